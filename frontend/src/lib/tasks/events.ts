import type { QueryClient } from "@tanstack/react-query";
import { getMe } from "@/lib/api/auth";
import { eventsUrl } from "@/lib/api/tasks";
import type { TaskEvent } from "@/lib/api/types";
import { setReachable } from "@/lib/connection";
import { dropTasks, putTasks } from "./cache";
import { beingDeleted } from "./mutations";
import { refreshCounts, refreshLists } from "./refresh";

const FIRST_DELAY = 1_000;
const LONGEST_DELAY = 30_000;

export function applyEvent(client: QueryClient, { kind, ids, tasks }: TaskEvent) {
  const leaving = beingDeleted(client);
  const present = new Set(tasks.map(({ id }) => id));
  dropTasks(
    client,
    ids.filter((id) => !present.has(id)),
  );
  putTasks(
    client,
    tasks.filter(({ id }) => !leaving.has(id)),
    { fresh: kind === "created" || kind === "restored", told: true },
  );
  refreshCounts(client);
}

/** Keeps the cache live while the page is visible; the stream resumes where it stopped. Returns how to end it. */
export function followEvents(client: QueryClient, onSignedOut: () => void) {
  let source: EventSource | undefined;
  let lastEventId: string | undefined;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let delay = FIRST_DELAY;

  const on = (name: string, handle: (data: string) => void) =>
    source?.addEventListener(name, (event: MessageEvent<string>) => {
      if (event.lastEventId) lastEventId = event.lastEventId;
      handle(event.data);
    });

  function open() {
    close();
    if (document.hidden) return;
    const first = lastEventId === undefined;
    source = new EventSource(eventsUrl(lastEventId));
    on("hello", () => {
      delay = FIRST_DELAY;
      setReachable(true);
      // What changed between loading a list and the first hello is in neither.
      if (first) refreshLists(client);
    });
    on("task", (data) => applyEvent(client, JSON.parse(data)));
    on("resync", () => refreshLists(client));
    on("bye", (data) => {
      if (JSON.parse(data).reason !== "signed_out") return retry();
      stop();
      onSignedOut();
    });
    source.onerror = retry;
  }

  function close() {
    clearTimeout(timer);
    source?.close();
    source = undefined;
  }

  function retry() {
    close();
    // Half of it by chance, so that all tabs do not come back in the same moment.
    timer = setTimeout(reopen, delay * (0.5 + Math.random() / 2));
    delay = Math.min(delay * 2, LONGEST_DELAY);
  }

  /** A failed EventSource does not say why; this request does, and leads to the sign-in when the session is over. */
  function reopen() {
    client.fetchQuery({ queryKey: ["me"], queryFn: getMe, staleTime: 0 }).then(open, retry);
  }

  function wake() {
    if (!source || document.hidden) open();
  }

  function stop() {
    close();
    document.removeEventListener("visibilitychange", wake);
    window.removeEventListener("online", wake);
  }

  document.addEventListener("visibilitychange", wake);
  window.addEventListener("online", wake);
  open();
  return stop;
}
