import type { QueryClient } from "@tanstack/react-query";
import { taskKeys } from "./keys";

let timer: ReturnType<typeof setTimeout> | undefined;

/** Once after a burst of changes: the server knows what a partly loaded list cannot tell. */
export function refreshCounts(client: QueryClient) {
  clearTimeout(timer);
  timer = setTimeout(() => {
    // The server would not count what it has not been told yet.
    if (client.isMutating() > 0) return refreshCounts(client);
    client.invalidateQueries({ queryKey: taskKeys.allCounts });
  }, 500);
}
