import { useSyncExternalStore } from "react";
import { CHAT_COOKIE } from "./cookie";

const WIDE = "(min-width: 64rem)";
const YEAR = 365 * 24 * 60 * 60;

/** Beside the page where there is room for both, and remembered; over it, and only for now, where there is not. */
let beside: boolean | undefined;
let sheet = false;
let focusComposer: (() => void) | undefined;
let focusWanted = false;
const listeners = new Set<() => void>();

function changed() {
  for (const listener of listeners) listener();
}

const isWide = () => window.matchMedia(WIDE).matches;

function setBeside(open: boolean) {
  beside = open;
  // A cookie, so that the server draws the page with or without the panel from the start.
  // biome-ignore lint/suspicious/noDocumentCookie: the Cookie Store API needs HTTPS
  document.cookie = `${CHAT_COOKIE}=${open ? "open" : "closed"}; path=/; max-age=${YEAR}; samesite=lax`;
}

/** Opens the chat, or leads to it where it is open. */
export function openChat() {
  if (isWide()) setBeside(true);
  else sheet = true;
  focusWanted = true;
  changed();
  takeFocus();
}

export function closeChat() {
  if (isWide()) setBeside(false);
  sheet = false;
  changed();
}

/** Out of the way of what is under it. Whether it was in the way. */
export function closeSheet() {
  const was = sheet;
  sheet = false;
  changed();
  return was;
}

/** How to get to the place where a message is typed, for as long as it is there. */
export function offerFocus(focus: () => void) {
  focusComposer = focus;
  takeFocus();
  return () => {
    if (focusComposer === focus) focusComposer = undefined;
  };
}

function takeFocus() {
  if (!focusWanted || !focusComposer) return;
  focusWanted = false;
  focusComposer();
}

function subscribe(listener: () => void) {
  listeners.add(listener);
  const wide = window.matchMedia(WIDE);
  wide.addEventListener("change", listener);
  return () => {
    listeners.delete(listener);
    wide.removeEventListener("change", listener);
  };
}

/** Where the chat is. `initially` is what the server drew, going by the cookie. */
export function useChatPlace(initially: boolean): "beside" | "sheet" | "closed" {
  return useSyncExternalStore(
    subscribe,
    () => {
      if (isWide()) return (beside ?? initially) ? "beside" : "closed";
      return sheet ? "sheet" : "closed";
    },
    () => (initially ? "beside" : "closed"),
  );
}
