import { useMemo, useRef, useState } from "react";
import type { Task } from "@/lib/api/types";

export function useSelection(tasks: Task[]) {
  const [ids, setIds] = useState<ReadonlySet<string>>(new Set());
  const anchor = useRef<string | null>(null);
  const selected = useMemo(() => tasks.filter(({ id }) => ids.has(id)), [tasks, ids]);

  /** With `range`, selects all tasks between the one that was toggled last and this one. */
  function toggle(id: string, { range = false } = {}) {
    const from = range ? tasks.findIndex((task) => task.id === anchor.current) : -1;
    const to = tasks.findIndex((task) => task.id === id);
    const next = new Set(ids);
    if (from >= 0 && to >= 0) {
      for (const task of tasks.slice(Math.min(from, to), Math.max(from, to) + 1)) next.add(task.id);
    } else if (!next.delete(id)) {
      next.add(id);
    }
    anchor.current = id;
    setIds(next);
  }

  return {
    tasks: selected,
    has: (id: string) => ids.has(id),
    toggle,
    selectAll: () => setIds(new Set(tasks.map(({ id }) => id))),
    clear: () => setIds(new Set()),
  };
}

export type Selection = ReturnType<typeof useSelection>;
