import { useSearchParams } from "next/navigation";
import { useCallback, useMemo } from "react";
import { filterFrom, searchOf, type TaskFilter } from "@/lib/tasks/filter";

type HistoryMode = "push" | "replace";

/** The filter is in the address, so that it survives a reload, can be shared, and is part of the history. */
export function useTaskFilter() {
  const params = useSearchParams();
  const filter = useMemo(() => filterFrom(params), [params]);

  const setFilter = useCallback((change: Partial<TaskFilter>, mode: HistoryMode = "push") => {
    const next = { ...filterFrom(new URLSearchParams(window.location.search)), ...change };
    window.history[`${mode}State`](null, "", window.location.pathname + searchOf(next));
  }, []);

  return [filter, setFilter] as const;
}
