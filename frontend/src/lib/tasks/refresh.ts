import type { QueryClient } from "@tanstack/react-query";
import { isSigningOut } from "@/lib/navigation";
import { taskKeys } from "./keys";

const COUNTS_DEBOUNCE_MS = 500;

let cancelPending = () => {};

/** Fetches the counts after a burst of changes: a list that is loaded in part cannot always compute them. */
export function refreshCounts(client: QueryClient) {
  cancelPending();
  const timer = setTimeout(() => {
    cancelPending = onceMutationsSettle(client, () => client.invalidateQueries({ queryKey: taskKeys.allCounts }));
  }, COUNTS_DEBOUNCE_MS);
  cancelPending = () => clearTimeout(timer);
}

/** Fetches the lists, which set their counts. Counts fetched alone could include a task that an event adds again. */
export function refreshLists(client: QueryClient) {
  onceMutationsSettle(client, () =>
    client.invalidateQueries({ queryKey: taskKeys.lists, predicate: ({ state }) => state.dataUpdatedAt > 0 }),
  );
}

/** Calls back once no mutation is running: the server may not know its change yet. Returns how to cancel it. */
function onceMutationsSettle(client: QueryClient, callback: () => void): () => void {
  const unsubscribe = client.getMutationCache().subscribe(runIfSettled);
  runIfSettled();
  return unsubscribe;

  function runIfSettled() {
    if (client.isMutating() > 0) return;
    unsubscribe();
    if (!isSigningOut()) callback();
  }
}
