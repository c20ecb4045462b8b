import type { Query, QueryClient } from "@tanstack/react-query";

/**
 * Calls `reapply` when the fetch that is in flight has stored its data. It started before the current change, so its
 * data may be older than what the page shows.
 */
export function afterFetch(client: QueryClient, query: Query, reapply: () => void) {
  if (query.state.fetchStatus === "idle") return;
  const unsubscribe = client.getQueryCache().subscribe((event) => {
    if (event.query !== query || (event.type !== "updated" && event.type !== "removed")) return;
    if (query.state.fetchStatus !== "idle" && event.type !== "removed") return;
    unsubscribe();
    if (query.state.status === "success") reapply();
  });
}
