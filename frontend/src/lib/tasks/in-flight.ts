import type { Query, QueryClient } from "@tanstack/react-query";

/**
 * Calls `redo` when the fetch that is under way has brought its data: it began before now, so what it brings may be
 * older than what is shown.
 */
export function afterFetch(client: QueryClient, query: Query, redo: () => void) {
  if (query.state.fetchStatus === "idle") return;
  const stop = client.getQueryCache().subscribe((event) => {
    if (event.query !== query || (event.type !== "updated" && event.type !== "removed")) return;
    if (query.state.fetchStatus !== "idle" && event.type !== "removed") return;
    stop();
    if (query.state.status === "success") redo();
  });
}
