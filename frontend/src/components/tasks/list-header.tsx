"use client";

import { Checkbox } from "@/components/ui/checkbox";
import type { Task } from "@/lib/api/types";
import { formatNumber, plural } from "@/lib/format";
import type { Selection } from "@/lib/hooks/use-selection";
import type { TaskFilter } from "@/lib/tasks/filter";
import { SortSelect } from "./sort-select";
import { TransferMenu } from "./transfer-menu";

type Props = {
  tasks: Task[];
  total: number;
  selection: Selection;
  filter: TaskFilter;
  onChange: (change: Partial<TaskFilter>) => void;
};

export function ListHeader({ tasks, total, selection, filter, onChange }: Props) {
  const selected = selection.tasks.length;
  const allSelected = selected > 0 && selected === tasks.length;
  return (
    <div className="flex h-12 items-center gap-1 border-b bg-muted/50 pr-1.5 pl-1.5 text-muted-foreground text-sm">
      <Checkbox
        aria-label="Select all loaded tasks"
        checked={allSelected}
        ref={(input) => {
          if (input) input.indeterminate = selected > 0 && !allSelected;
        }}
        onChange={() => (allSelected ? selection.clear() : selection.selectAll())}
      />
      <p className="min-w-0 flex-1 truncate">
        {selected > 0 ? `${formatNumber(selected)} of ${plural(tasks.length, "loaded task")}` : plural(total, "task")}
      </p>
      <SortSelect sort={filter.sort} onChange={(sort) => onChange({ sort })} />
      <TransferMenu />
    </div>
  );
}
