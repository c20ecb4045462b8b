import type { ReactNode } from "react";
import { Card } from "@/components/ui/card";

type Props = { id: string; title: string; text: string; action?: ReactNode; children: ReactNode };

export function Section({ id, title, text, action, children }: Props) {
  return (
    <Card>
      <section aria-labelledby={id} className="grid gap-5 p-5 sm:p-6 md:grid-cols-[15rem_1fr] md:gap-8">
        <div className="flex flex-wrap items-start justify-between gap-3 md:flex-col md:justify-start">
          <div>
            <h2 id={id} className="font-semibold">
              {title}
            </h2>
            <p className="mt-1 text-muted-foreground text-sm">{text}</p>
          </div>
          {action}
        </div>
        <div className="min-w-0">{children}</div>
      </section>
    </Card>
  );
}
