"use client";

import type { MouseEvent } from "react";
import type { TaskCounts } from "@/lib/api/types";
import { formatNumber } from "@/lib/format";
import { filterToSearch, STATUSES, type TaskFilter } from "@/lib/tasks/filter";
import { cn } from "@/lib/utils";

const LABELS = { all: "All", pending: "Pending", completed: "Completed" };

type Props = {
  filter: TaskFilter;
  counts: TaskCounts | undefined;
  onChange: (change: Partial<TaskFilter>) => void;
};

/** The tabs are links, so that they can be opened in a new tab. A plain click does not request a page. */
export function FilterTabs({ filter, counts, onChange }: Props) {
  function onClick(event: MouseEvent, status: TaskFilter["status"]) {
    if (event.metaKey || event.ctrlKey || event.shiftKey || event.button !== 0) return;
    event.preventDefault();
    onChange({ status });
  }

  return (
    <nav aria-label="Filter" className="flex w-full rounded-lg bg-muted p-0.5 sm:w-auto">
      {STATUSES.map((status) => (
        <a
          key={status}
          href={`/tasks${filterToSearch({ ...filter, status })}`}
          aria-current={filter.status === status ? "page" : undefined}
          onClick={(event) => onClick(event, status)}
          className={cn(
            "flex h-9 flex-1 items-center justify-center gap-2 rounded-md px-3 text-sm transition-colors",
            filter.status === status
              ? "bg-raised font-medium shadow-xs"
              : "text-muted-foreground hover:text-foreground",
          )}
        >
          {LABELS[status]}
          {counts && <span className="text-muted-foreground text-xs tabular-nums">{formatNumber(counts[status])}</span>}
        </a>
      ))}
    </nav>
  );
}
