import { redirect } from "next/navigation";
import type { ReactNode } from "react";
import { Logo } from "@/components/layout/logo";
import { ThemeChoice } from "@/components/layout/theme-choice";
import { getVisitor } from "@/lib/session";

export default async function AuthLayout({ children }: { children: ReactNode }) {
  const user = await getVisitor();
  if (typeof user === "object") redirect("/tasks");
  return (
    <div className="flex min-h-dvh flex-col">
      <header className="flex h-16 items-center justify-between px-4 sm:px-6">
        <Logo />
        <ThemeChoice />
      </header>
      {children}
    </div>
  );
}
