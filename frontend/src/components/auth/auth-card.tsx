import type { ReactNode } from "react";
import { Card } from "@/components/ui/card";

export function AuthCard({ title, footer, children }: { title: string; footer: ReactNode; children: ReactNode }) {
  return (
    <main id="main" tabIndex={-1} className="mx-auto w-full max-w-md flex-1 px-4 pt-6 pb-16 sm:pt-[10vh]">
      <Card className="p-6 sm:p-8">
        <h1 className="mb-6 font-semibold text-2xl">{title}</h1>
        {children}
      </Card>
      <p className="mt-6 text-center text-muted-foreground text-sm [&_a]:rounded [&_a]:font-medium [&_a]:text-primary [&_a]:underline-offset-4 [&_a:hover]:underline">
        {footer}
      </p>
    </main>
  );
}
