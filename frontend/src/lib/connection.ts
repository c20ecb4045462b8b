import { useSyncExternalStore } from "react";

export type Connection = "ok" | "offline" | "unreachable";

let reachable = true;
const listeners = new Set<() => void>();

/** Told by every request and by the event stream. */
export function setReachable(value: boolean) {
  if (reachable === value) return;
  reachable = value;
  for (const listener of listeners) listener();
}

function subscribe(listener: () => void) {
  listeners.add(listener);
  window.addEventListener("online", listener);
  window.addEventListener("offline", listener);
  return () => {
    listeners.delete(listener);
    window.removeEventListener("online", listener);
    window.removeEventListener("offline", listener);
  };
}

function current(): Connection {
  if (!navigator.onLine) return "offline";
  return reachable ? "ok" : "unreachable";
}

export function useConnection() {
  return useSyncExternalStore(subscribe, current, () => "ok" as const);
}
