import { useSearchParams } from "next/navigation";
import { useCallback, useMemo } from "react";
import { filterFrom, searchOf, type TaskFilter } from "@/lib/tasks/filter";

type Mode = "push" | "replace";

/** The filter lives in the address bar, so that it survives a reload and can be shared or gone back to. */
export function useTaskFilter() {
  const params = useSearchParams();
  const filter = useMemo(() => filterFrom(params), [params]);

  const setFilter = useCallback((change: Partial<TaskFilter>, mode: Mode = "push") => {
    const next = { ...filterFrom(new URLSearchParams(window.location.search)), ...change };
    window.history[`${mode}State`](null, "", window.location.pathname + searchOf(next));
  }, []);

  return [filter, setFilter] as const;
}
