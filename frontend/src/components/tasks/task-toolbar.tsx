"use client";

import type { Ref } from "react";
import type { TaskCounts } from "@/lib/api/types";
import type { TaskFilter } from "@/lib/tasks/filter";
import { FilterTabs } from "./filter-tabs";
import { SearchField } from "./search-field";

type Props = {
  filter: TaskFilter;
  counts: TaskCounts | undefined;
  onChange: (change: Partial<TaskFilter>, mode?: "push" | "replace") => void;
  ref: Ref<HTMLInputElement>;
};

export function TaskToolbar({ filter, counts, onChange, ref }: Props) {
  return (
    <div className="mt-6 mb-3 flex flex-col gap-3 sm:flex-row sm:items-center sm:justify-between">
      <FilterTabs filter={filter} counts={counts} onChange={onChange} />
      <SearchField ref={ref} q={filter.q} onSearch={(q) => onChange({ q }, "replace")} />
    </div>
  );
}
