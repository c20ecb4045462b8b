import type { KeyboardEvent } from "react";
import type { Task } from "@/lib/api/types";
import type { Selection } from "@/lib/hooks/use-selection";
import { isShortcut, shortcutsEnabled } from "@/lib/shortcuts";
import { isProvisional } from "@/lib/tasks/cache";

type Parts = {
  tasks: Task[];
  indexOf: Map<string, number>;
  row: { toggleStatus: (task: Task) => void; edit: (task: Task) => void; remove: (task: Task) => void };
  selection: Selection;
  focusAt: (index: number) => void;
};

/** Keys for the row that has the focus. */
export function listKeyHandler({ tasks, indexOf, row, selection, focusAt }: Parts) {
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

    const always = new Map([
      ["ArrowDown", () => move(1)],
      ["ArrowUp", () => move(-1)],
      ["Home", () => focusAt(0)],
      ["End", () => focusAt(tasks.length - 1)],
      ["Delete", () => row.remove(task)],
      ["Backspace", () => row.remove(task)],
    ]);
    // Elsewhere in the row, Space presses the control that has the focus.
    if (target.matches("[data-row-title]")) always.set(" ", () => row.toggleStatus(task));
    const letters = new Map([
      ["j", () => move(1)],
      ["k", () => move(-1)],
      ["x", () => selection.toggle(task.id)],
      ["X", () => selection.toggle(task.id, { range: true })],
      ["e", () => row.edit(task)],
    ]);
    const run = always.get(event.key) ?? (shortcutsEnabled() ? letters.get(event.key) : undefined);
    if (!run) return;
    event.preventDefault();
    const moves = /^(Arrow|Home|End|[jk]$)/.test(event.key);
    if (moves || !isProvisional(task.id)) run();
  };
}
