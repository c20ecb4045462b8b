import { redirect } from "next/navigation";
import type { ReactNode } from "react";
import { AppHeader } from "@/components/layout/app-header";
import { ConnectionNotice } from "@/components/layout/connection-notice";
import { Shortcuts } from "@/components/layout/shortcuts";
import { signInPath } from "@/lib/next-path";
import { requestedPath, visitor } from "@/lib/session";

export default async function AppLayout({ children }: { children: ReactNode }) {
  const user = await visitor();
  if (user === "signed-out") redirect(signInPath(await requestedPath()));
  return (
    <div className="flex min-h-dvh flex-col">
      <ConnectionNotice />
      <AppHeader user={user === "unknown" ? undefined : user} />
      {children}
      <Shortcuts />
    </div>
  );
}
