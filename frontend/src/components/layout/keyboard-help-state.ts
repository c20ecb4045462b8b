import { useSyncExternalStore } from "react";

let open = false;
const listeners = new Set<() => void>();

function set(value: boolean) {
  open = value;
  for (const listener of listeners) listener();
}

export const openKeyboardHelp = () => set(true);
export const closeKeyboardHelp = () => set(false);

export function useKeyboardHelpOpen() {
  return useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    () => open,
    () => false,
  );
}
