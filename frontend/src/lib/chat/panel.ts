import { create } from "zustand";
import { saveChatOpen } from "./cookie";

/** From this width on, the chat is docked next to the page; below it, the chat is a sheet over the page. */
const WIDE_SCREEN = "(min-width: 64rem)";

// `docked` is undefined until the user opens or closes the chat; until then, the cookie of the last visit decides.
const usePanel = create(() => ({ wide: true, docked: undefined as boolean | undefined, sheetOpen: false }));

if (typeof window !== "undefined") {
  const media = window.matchMedia(WIDE_SCREEN);
  const update = () => usePanel.setState({ wide: media.matches });
  media.addEventListener("change", update);
  update();
}

let focusComposer: (() => void) | undefined;
let focusRequested = false;

/** Opens the chat and moves the focus to its composer. */
export function openChat() {
  if (usePanel.getState().wide) setDocked(true);
  else usePanel.setState({ sheetOpen: true });
  focusRequested = true;
  focusIfRequested();
}

export function closeChat() {
  if (usePanel.getState().wide) setDocked(false);
  closeSheet();
}

/** Closes the sheet, if it is open, to show the page under it. Returns whether it was open. */
export function closeSheet() {
  const { sheetOpen } = usePanel.getState();
  usePanel.setState({ sheetOpen: false });
  return sheetOpen;
}

/** Registers how to focus the composer while it is mounted. Returns how to unregister it. */
export function registerComposer(focus: () => void) {
  focusComposer = focus;
  focusIfRequested();
  return () => {
    if (focusComposer === focus) focusComposer = undefined;
  };
}

/** `initiallyOpen` is what the server has rendered, according to the cookie. */
export function useChatPlacement(initiallyOpen: boolean): "docked" | "sheet" | "closed" {
  return usePanel(({ wide, docked, sheetOpen }) => {
    if (wide) return (docked ?? initiallyOpen) ? "docked" : "closed";
    return sheetOpen ? "sheet" : "closed";
  });
}

function setDocked(docked: boolean) {
  usePanel.setState({ docked });
  saveChatOpen(docked);
}

function focusIfRequested() {
  if (!focusRequested || !focusComposer) return;
  focusRequested = false;
  focusComposer();
}
