import { useSyncExternalStore } from "react";

let message = "";
const listeners = new Set<() => void>();

/** Says something to screen readers that is seen without words. */
export function announce(text: string) {
  // The same text twice is told twice only if it differs.
  message = text === message ? `${text}\u00a0` : text;
  for (const listener of listeners) listener();
}

function subscribe(listener: () => void) {
  listeners.add(listener);
  return () => void listeners.delete(listener);
}

export function useAnnouncement() {
  return useSyncExternalStore(
    subscribe,
    () => message,
    () => "",
  );
}
