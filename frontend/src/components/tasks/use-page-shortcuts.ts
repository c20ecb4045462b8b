import { type RefObject, useEffect, useEffectEvent } from "react";
import type { Selection } from "@/lib/hooks/use-selection";
import { isShortcut, shortcutsEnabled } from "@/lib/shortcuts";
import type { TaskComposerHandle } from "./task-composer";
import type { TaskListHandle } from "./task-list";

type Targets = {
  composer: RefObject<TaskComposerHandle | null>;
  search: RefObject<HTMLInputElement | null>;
  list: RefObject<TaskListHandle | null>;
  selection: Selection;
  undo: () => void;
};

/** Keys that work anywhere on the tasks page; those of the list are with the list. */
export function usePageShortcuts({ composer, search, list, selection, undo }: Targets) {
  const onKeyDown = useEffectEvent((event: KeyboardEvent) => {
    if (!isShortcut(event)) return;
    if (event.key === "Escape") return selection.clear();
    if (!shortcutsEnabled()) return;
    const run = {
      n: () => composer.current?.focus(),
      "/": () => search.current?.focus(),
      j: () => list.current?.focus(),
      k: () => list.current?.focus(),
      u: undo,
    }[event.key];
    if (!run) return;
    event.preventDefault();
    run();
  });

  useEffect(() => {
    const listener = (event: KeyboardEvent) => onKeyDown(event);
    window.addEventListener("keydown", listener);
    return () => window.removeEventListener("keydown", listener);
  }, []);
}
