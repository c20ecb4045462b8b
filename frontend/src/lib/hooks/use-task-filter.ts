import { useSearchParams } from "next/navigation";
import { useCallback, useMemo } from "react";
import { filterToSearch, parseFilter, type TaskFilter } from "@/lib/tasks/filter";

type HistoryMode = "push" | "replace";

/** The filter is in the address, so that it survives a reload, can be shared, and is part of the history. */
export function useTaskFilter() {
  const params = useSearchParams();
  const filter = useMemo(() => parseFilter(params), [params]);

  const setFilter = useCallback((change: Partial<TaskFilter>, mode: HistoryMode = "push") => {
    const next = { ...parseFilter(new URLSearchParams(window.location.search)), ...change };
    window.history[`${mode}State`](null, "", window.location.pathname + filterToSearch(next));
  }, []);

  return [filter, setFilter] as const;
}
