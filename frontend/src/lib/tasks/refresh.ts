import type { QueryClient } from "@tanstack/react-query";
import { taskKeys } from "./keys";

let cancel = () => {};

/** Once after a burst of changes: the server knows what a partly loaded list cannot tell. */
export function refreshCounts(client: QueryClient) {
  cancel();
  const timer = setTimeout(() => {
    cancel = whenSettled(client, () => client.invalidateQueries({ queryKey: taskKeys.allCounts }));
  }, 500);
  cancel = () => clearTimeout(timer);
}

/** Their counts come with them. Those fetched apart may already have in them what an event is about to add. */
export function refreshLists(client: QueryClient) {
  whenSettled(client, () =>
    client.invalidateQueries({ queryKey: taskKeys.lists, predicate: ({ state }) => state.dataUpdatedAt > 0 }),
  );
}

/** Acts once no change is under way: the server would not show what it has not been told yet. Returns how to stop it. */
function whenSettled(client: QueryClient, act: () => void): () => void {
  const stop = client.getMutationCache().subscribe(actIfSettled);
  actIfSettled();
  return stop;

  function actIfSettled() {
    if (client.isMutating() > 0) return;
    stop();
    act();
  }
}
