import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useRef } from "react";
import { announce } from "@/lib/announce";
import { messageOf } from "@/lib/api/problem";
import type { BulkAction, Task, TaskStatus } from "@/lib/api/types";
import { plural } from "@/lib/format";
import { notify } from "@/lib/notify";
import { addTask } from "@/lib/tasks/add";
import * as mutations from "@/lib/tasks/mutations";
import { sameText, type TaskText } from "@/lib/tasks/text";
import type { Drafts } from "./use-drafts";

const BULK_WORDS = {
  complete: { done: "Completed", failed: "not completed" },
  reopen: { done: "Reopened", failed: "not reopened" },
  delete: { done: "Deleted", failed: "not deleted" },
  restore: { done: "Restored", failed: "not restored" },
} satisfies Record<BulkAction, object>;

const REVERSE = { complete: "reopen", reopen: "complete", delete: "restore", restore: "delete" } as const;

/** What a person can do to tasks: shown at once, told aloud, and taken back with a way out when it fails. */
export function useTaskActions(drafts: Drafts) {
  const client = useQueryClient();
  const editing = useMutation(mutations.editTask(client));
  const changing = useMutation(mutations.changeStatus(client));
  const removing = useMutation(mutations.removeTask(client));
  const bulking = useMutation(mutations.bulkChange(client));
  const lastUndo = useRef<(() => void) | null>(null);

  const failed = (message: string, error: unknown, label: string, run: () => void) =>
    notify.failed(message, { description: messageOf(error), action: { label, run } });

  async function edit(id: string, base: Task, text: TaskText) {
    drafts.close(id);
    if (sameText(base, text)) return;
    try {
      await editing.mutateAsync({ id, base, text });
      announce(`Saved ${text.title}`);
    } catch (error) {
      if (mutations.isGone(error)) {
        return notify.failed(`“${base.title}” was deleted meanwhile`, {
          description: "Your text is not lost: add it as a new task.",
          action: { label: "Add", run: () => addTask(client, text) },
        });
      }
      drafts.open({ base, text, error: messageOf(error) });
      if (mutations.isConflict(error)) return announce("This task was changed in another tab.");
      failed(`“${base.title}” was not saved`, error, "Retry", () => edit(id, base, text));
    }
  }

  async function setStatus(task: Task, status: TaskStatus) {
    lastUndo.current = () => setStatus(task, task.status);
    const verb = status === "completed" ? "completed" : "reopened";
    try {
      await changing.mutateAsync({ task, status });
      announce(`${verb === "completed" ? "Completed" : "Reopened"} ${task.title}`);
    } catch (error) {
      if (mutations.isGone(error)) return notify.failed(`“${task.title}” was deleted meanwhile`);
      failed(`“${task.title}” was not ${verb}`, error, "Retry", () => setStatus(task, status));
    }
  }

  async function remove(task: Task) {
    const undo = () => bulk("restore", [task]);
    lastUndo.current = undo;
    notify.done(`Deleted “${task.title}”`, { id: task.id, action: { label: "Undo", run: undo } });
    try {
      await removing.mutateAsync({ tasks: [task] });
    } catch (error) {
      notify.dismiss(task.id);
      failed(`“${task.title}” was not deleted`, error, "Retry", () => remove(task));
    }
  }

  async function bulk(action: BulkAction, tasks: Task[]) {
    const words = BULK_WORDS[action];
    const outcome = await bulking.mutateAsync({ action, tasks });
    if (outcome.done.length > 0) {
      const undo = () => bulk(REVERSE[action], outcome.done);
      lastUndo.current = action === "restore" ? null : undo;
      const message = `${words.done} ${tasks.length === 1 ? `“${tasks[0]?.title}”` : plural(outcome.done.length, "task")}`;
      notify.done(message, action === "restore" ? {} : { action: { label: "Undo", run: undo } });
    }
    if (outcome.failed.length > 0) {
      const message = `${plural(outcome.failed.length, "task")} ${outcome.failed.length === 1 ? "was" : "were"} ${words.failed}`;
      failed(message, outcome.error, "Retry", () => bulk(action, outcome.failed));
    }
  }

  function undo() {
    lastUndo.current?.();
    lastUndo.current = null;
  }

  return { edit, setStatus, remove, bulk, undo };
}

export type TaskActions = ReturnType<typeof useTaskActions>;
