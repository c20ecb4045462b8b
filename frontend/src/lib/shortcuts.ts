import { useEffect, useEffectEvent } from "react";
import { create } from "zustand";

const STORAGE_KEY = "todo.shortcuts";

const useShortcutState = create(() => ({ enabled: true, helpOpen: false }));

if (typeof window !== "undefined") {
  // Another tab may change the setting.
  window.addEventListener("storage", loadEnabled);
  loadEnabled();
}

function loadEnabled() {
  try {
    useShortcutState.setState({ enabled: localStorage.getItem(STORAGE_KEY) !== "off" });
  } catch {
    // Without storage, the shortcuts are enabled.
  }
}

/** Users of speech input, and those who often press wrong keys, can switch single-key shortcuts off (WCAG 2.1.4). */
export const shortcutsEnabled = () => useShortcutState.getState().enabled;
export const useShortcutsEnabled = () => useShortcutState((state) => state.enabled);

export function setShortcutsEnabled(enabled: boolean) {
  localStorage.setItem(STORAGE_KEY, enabled ? "on" : "off");
  useShortcutState.setState({ enabled });
}

export const openKeyboardHelp = () => useShortcutState.setState({ helpOpen: true });
export const closeKeyboardHelp = () => useShortcutState.setState({ helpOpen: false });
export const useKeyboardHelpOpen = () => useShortcutState((state) => state.helpOpen);

/** Whether a key press is meant for the page, and not for a field, a dialog or the browser. */
export function isShortcut(event: KeyboardEvent) {
  if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return false;
  if (document.querySelector("dialog[open], [popover]:popover-open")) return false;
  const { target } = event;
  if (!(target instanceof HTMLElement)) return true;
  if (target.isContentEditable) return false;
  return !target.matches("textarea, select, input:not([type=checkbox], [type=radio], [type=button], [type=submit])");
}

/** Single keys that work anywhere on the page, unless the user has switched them off. */
export function useShortcuts(handlers: Record<string, () => void>) {
  const onKeyDown = useEffectEvent((event: KeyboardEvent) => {
    const handler = handlers[event.key];
    if (!handler || !isShortcut(event)) return;
    // Escape is not a character: neither speech input nor typing produces it.
    if (event.key !== "Escape" && !shortcutsEnabled()) return;
    event.preventDefault();
    handler();
  });

  useEffect(() => {
    const listener = (event: KeyboardEvent) => onKeyDown(event);
    window.addEventListener("keydown", listener);
    return () => window.removeEventListener("keydown", listener);
  }, []);
}
