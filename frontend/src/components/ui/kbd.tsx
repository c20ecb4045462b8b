import type { ReactNode } from "react";

export function Kbd({ children }: { children: ReactNode }) {
  return (
    <kbd className="inline-grid h-6 min-w-6 place-items-center rounded-md border border-b-2 bg-muted px-1.5 font-medium font-sans text-muted-foreground text-xs">
      {children}
    </kbd>
  );
}
