import type { KeyboardEvent } from "react";
import type { Task } from "@/lib/api/types";
import type { Selection } from "@/lib/hooks/use-selection";
import { isShortcut, shortcutsEnabled } from "@/lib/shortcuts";
import { isPlaceholder } from "@/lib/tasks/cache";

type Options = {
  tasks: Task[];
  indexOf: Map<string, number>;
  rowActions: { toggleStatus: (task: Task) => void; edit: (task: Task) => void; remove: (task: Task) => void };
  selection: Selection;
  focusAt: (index: number) => void;
};

/** Handles the keys for the row that has the focus. */
export function listKeyHandler({ tasks, indexOf, rowActions, selection, focusAt }: Options) {
  return (event: KeyboardEvent) => {
    if (!isShortcut(event.nativeEvent)) return;
    const target = event.target as HTMLElement;
    const index = indexOf.get(target.closest<HTMLElement>("[data-task]")?.dataset.task ?? "");
    const task = index === undefined ? undefined : tasks[index];
    if (index === undefined || !task) return;

    function move(step: 1 | -1) {
      const next = tasks[(index ?? 0) + step];
      if (event.shiftKey && next && task) {
        if (!selection.has(task.id)) selection.toggle(task.id);
        selection.toggle(next.id, { range: true });
      }
      focusAt((index ?? 0) + step);
    }

    const actions = new Map([
      ["ArrowDown", () => move(1)],
      ["ArrowUp", () => move(-1)],
      ["Home", () => focusAt(0)],
      ["End", () => focusAt(tasks.length - 1)],
      ["Delete", () => rowActions.remove(task)],
      ["Backspace", () => rowActions.remove(task)],
    ]);
    // On the other controls of the row, Space activates the control.
    if (target.matches("[data-row-title]")) actions.set(" ", () => rowActions.toggleStatus(task));
    const letterActions = new Map([
      ["j", () => move(1)],
      ["k", () => move(-1)],
      ["x", () => selection.toggle(task.id)],
      ["X", () => selection.toggle(task.id, { range: true })],
      ["e", () => rowActions.edit(task)],
    ]);
    const action = actions.get(event.key) ?? (shortcutsEnabled() ? letterActions.get(event.key) : undefined);
    if (!action) return;
    event.preventDefault();
    const movesFocus = /^(Arrow|Home|End|[jk]$)/.test(event.key);
    if (movesFocus || !isPlaceholder(task.id)) action();
  };
}
