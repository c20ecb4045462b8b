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
    // To compare 10,000 tasks field by field on each change would cost more than it saves.
    structuralSharing: false,
  });
}

/** The list with the same search sets the counts. They are fetched only when a change has made them stale. */
export const taskCountsQuery = (q: string) =>
  queryOptions({
    queryKey: taskKeys.counts(q),
    queryFn: ({ signal }) => countTasks(q, signal),
    staleTime: Number.POSITIVE_INFINITY,
    enabled: ({ state }) => state.data !== undefined,
  });
