import { useSyncExternalStore } from "react";

const STORAGE_KEY = "todo.shortcuts";
const listeners = new Set<() => void>();

/** Single-key shortcuts can be switched off, for speech input and for who presses keys by mistake (WCAG 2.1.4). */
export function shortcutsEnabled() {
  try {
    return localStorage.getItem(STORAGE_KEY) !== "off";
  } catch {
    return true;
  }
}

export function setShortcutsEnabled(enabled: boolean) {
  localStorage.setItem(STORAGE_KEY, enabled ? "on" : "off");
  for (const listener of listeners) listener();
}

export function useShortcutsEnabled() {
  return useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      window.addEventListener("storage", listener);
      return () => {
        listeners.delete(listener);
        window.removeEventListener("storage", listener);
      };
    },
    shortcutsEnabled,
    () => true,
  );
}

/** Whether a key press is meant for the page, not for a field, a dialog or the browser. */
export function isShortcut(event: KeyboardEvent) {
  if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return false;
  if (document.querySelector("dialog[open], [popover]:popover-open")) return false;
  const { target } = event;
  if (!(target instanceof HTMLElement)) return true;
  if (target.isContentEditable) return false;
  return !target.matches("textarea, select, input:not([type=checkbox], [type=radio], [type=button], [type=submit])");
}
