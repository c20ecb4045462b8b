"use client";

import { ArrowDownUp } from "lucide-react";
import { SORTS, type TaskFilter } from "@/lib/tasks/filter";

const LABELS: Record<TaskFilter["sort"], string> = {
  "-created": "Newest first",
  created: "Oldest first",
  "-updated": "Recently changed",
  updated: "Longest unchanged",
  title: "Title A–Z",
  "-title": "Title Z–A",
};

type Props = { sort: TaskFilter["sort"]; onChange: (sort: TaskFilter["sort"]) => void };

export function SortSelect({ sort, onChange }: Props) {
  return (
    <label className="flex items-center gap-1.5 rounded-md pl-2 hover:text-foreground has-focus-visible:outline-2 has-focus-visible:outline-ring">
      <ArrowDownUp className="size-4" aria-hidden="true" />
      <span className="sr-only">Sort by</span>
      <select
        value={sort}
        onChange={(event) => onChange(event.target.value as TaskFilter["sort"])}
        className="h-8 bg-transparent text-sm outline-none [&>option]:bg-card [&>option]:text-foreground"
      >
        {SORTS.map((value) => (
          <option key={value} value={value}>
            {LABELS[value]}
          </option>
        ))}
      </select>
    </label>
  );
}
