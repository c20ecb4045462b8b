import type { ReactNode } from "react";

export function Badge({ children }: { children: ReactNode }) {
  return (
    <span className="rounded-full bg-accent px-2 py-0.5 font-medium text-accent-foreground text-xs">{children}</span>
  );
}
