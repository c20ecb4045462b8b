"use client";

import { CircleCheckBig, ListTodo, type LucideIcon, PartyPopper, SearchX } from "lucide-react";
import { Button } from "@/components/ui/button";
import { Card } from "@/components/ui/card";
import { Kbd } from "@/components/ui/kbd";
import type { TaskCounts } from "@/lib/api/types";
import type { TaskFilter } from "@/lib/tasks/filter";
import { TransferMenu } from "./transfer-menu";

type Props = {
  filter: TaskFilter;
  counts: TaskCounts | undefined;
  onChange: (change: Partial<TaskFilter>) => void;
  onAdd: () => void;
};

export function EmptyState({ filter, counts, onChange, onAdd }: Props) {
  if (filter.q) {
    return (
      <Panel
        Icon={SearchX}
        title="Nothing matches"
        text={`No ${filter.status === "all" ? "" : `${filter.status} `}task contains “${filter.q}”.`}
      >
        <Button variant="outline" onClick={() => onChange({ q: "", status: "all" })}>
          Clear the search
        </Button>
      </Panel>
    );
  }
  if (filter.status === "completed") {
    return <Panel Icon={CircleCheckBig} title="Nothing completed yet" text="Tasks you tick off gather here." />;
  }
  if (filter.status === "pending" && (counts?.completed ?? 0) > 0) {
    return <Panel Icon={PartyPopper} title="All done" text="Every task is completed. Enjoy it." />;
  }
  return (
    <Panel
      Icon={ListTodo}
      title="A clean slate"
      text="Write down the first thing on your mind, or import your tasks from a file."
    >
      <Button onClick={onAdd}>Add your first task</Button>
      <TransferMenu labelled />
      <p className="w-full pt-3 text-muted-foreground text-sm max-sm:hidden">
        Press <Kbd>n</Kbd> to add from anywhere, <Kbd>?</Kbd> for all shortcuts.
      </p>
    </Panel>
  );
}

function Panel(props: { Icon: LucideIcon; title: string; text: string; children?: React.ReactNode }) {
  const { Icon, title, text, children } = props;
  return (
    <Card className="grid justify-items-center px-6 py-16 text-center">
      <span className="mb-4 grid size-14 place-items-center rounded-2xl bg-accent text-accent-foreground">
        <Icon className="size-7" strokeWidth={1.6} aria-hidden="true" />
      </span>
      <h2 className="font-semibold text-lg">{title}</h2>
      <p className="mt-1 max-w-sm text-muted-foreground text-sm wrap-anywhere">{text}</p>
      {children && <div className="mt-5 flex flex-wrap items-center justify-center gap-1.5">{children}</div>}
    </Card>
  );
}
