import type { QueryClient } from "@tanstack/react-query";
import { meQuery } from "@/lib/account/queries";
import { eventsUrl } from "@/lib/api/tasks";
import type { TaskEvent } from "@/lib/api/types";
import { createBackoff } from "@/lib/backoff";
import { setReachable } from "@/lib/connection";
import { putTasks, removeTasks } from "./cache";
import { idsBeingDeleted } from "./mutations";
import { refreshCounts, refreshLists } from "./refresh";

export function applyEvent(client: QueryClient, { kind, ids, tasks }: TaskEvent) {
  const deleting = idsBeingDeleted(client);
  const present = new Set(tasks.map(({ id }) => id));
  removeTasks(
    client,
    ids.filter((id) => !present.has(id)),
  );
  putTasks(
    client,
    tasks.filter(({ id }) => !deleting.has(id)),
    { isNew: kind === "created" || kind === "restored", fromEvent: true },
  );
  refreshCounts(client);
}

/**
 * Subscribes to the changes of tasks while the page is visible. After an interruption, the stream resumes after the
 * last event. Returns how to unsubscribe.
 */
export function subscribeToEvents(client: QueryClient, onSignedOut: () => void) {
  const backoff = createBackoff();
  let source: EventSource | undefined;
  let lastEventId: string | undefined;
  let retryTimer: ReturnType<typeof setTimeout> | undefined;

  const on = (name: string, handler: (data: string) => void) =>
    source?.addEventListener(name, (event: MessageEvent<string>) => {
      if (event.lastEventId) lastEventId = event.lastEventId;
      handler(event.data);
    });

  function connect() {
    disconnect();
    if (document.hidden) return;
    const firstConnection = lastEventId === undefined;
    source = new EventSource(eventsUrl(lastEventId));
    on("hello", () => {
      backoff.reset();
      setReachable(true);
      // A change between the fetch of a list and the first hello is in neither of them.
      if (firstConnection) refreshLists(client);
    });
    on("task", (data) => applyEvent(client, JSON.parse(data)));
    on("resync", () => refreshLists(client));
    on("bye", (data) => {
      if (JSON.parse(data).reason !== "signed_out") return retryLater();
      unsubscribe();
      onSignedOut();
    });
    source.onerror = retryLater;
  }

  function disconnect() {
    clearTimeout(retryTimer);
    source?.close();
    source = undefined;
  }

  function retryLater() {
    disconnect();
    retryTimer = setTimeout(retry, backoff.nextDelay());
  }

  /** An EventSource does not report why it failed. This request does: it redirects to the sign-in without a session. */
  function retry() {
    client.fetchQuery({ ...meQuery, staleTime: 0 }).then(connect, retryLater);
  }

  function onVisibleOrOnline() {
    if (!source || document.hidden) connect();
  }

  function unsubscribe() {
    disconnect();
    document.removeEventListener("visibilitychange", onVisibleOrOnline);
    window.removeEventListener("online", onVisibleOrOnline);
  }

  document.addEventListener("visibilitychange", onVisibleOrOnline);
  window.addEventListener("online", onVisibleOrOnline);
  connect();
  return unsubscribe;
}
