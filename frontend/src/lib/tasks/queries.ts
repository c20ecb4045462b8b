import { infiniteQueryOptions, type QueryClient, queryOptions } from "@tanstack/react-query";
import { countTasks, listTasks } from "@/lib/api/tasks";
import type { TaskFilter } from "./filter";
import { taskKeys } from "./keys";

export function taskListQuery(client: QueryClient, filter: TaskFilter) {
  return infiniteQueryOptions({
    queryKey: taskKeys.list(filter),
    queryFn: async ({ pageParam, signal }) => {
      const page = await listTasks(filter, pageParam, signal);
      client.setQueryData(taskKeys.counts(filter.q), page.counts);
      return page;
    },
    initialPageParam: null as string | null,
    getNextPageParam: (last) => last.next_cursor ?? null,
    staleTime: Number.POSITIVE_INFINITY,
    // Comparing 10,000 tasks field by field on each change costs more than it saves.
    structuralSharing: false,
  });
}

/** Filled by the list of the same search; asked for by itself only when changes make it stale. */
export const taskCountsQuery = (q: string) =>
  queryOptions({
    queryKey: taskKeys.counts(q),
    queryFn: ({ signal }) => countTasks(q, signal),
    staleTime: Number.POSITIVE_INFINITY,
    enabled: ({ state }) => state.data !== undefined,
  });
