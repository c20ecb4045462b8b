import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useRef } from "react";
import { announce } from "@/lib/announce";
import { errorMessage } from "@/lib/api/problem";
import type { BulkAction, Task, TaskStatus } from "@/lib/api/types";
import { plural } from "@/lib/format";
import { notify } from "@/lib/notify";
import { addTask } from "@/lib/tasks/add";
import * as mutations from "@/lib/tasks/mutations";
import { sameText, type TaskText } from "@/lib/tasks/text";
import type { Drafts } from "./use-drafts";

const BULK_VERBS = {
  complete: { done: "Completed", failed: "not completed" },
  reopen: { done: "Reopened", failed: "not reopened" },
  delete: { done: "Deleted", failed: "not deleted" },
  restore: { done: "Restored", failed: "not restored" },
} satisfies Record<BulkAction, object>;

const REVERSE_ACTION = { complete: "reopen", reopen: "complete", delete: "restore", restore: "delete" } as const;

/** The user's actions on tasks. Each is shown and announced; if it fails, it is rolled back and can be repeated. */
export function useTaskActions(drafts: Drafts) {
  const client = useQueryClient();
  const editMutation = useMutation(mutations.editTask(client));
  const statusMutation = useMutation(mutations.changeStatus(client));
  const removeMutation = useMutation(mutations.removeTask(client));
  const bulkMutation = useMutation(mutations.bulkChange(client));
  const lastUndo = useRef<(() => void) | null>(null);

  const notifyFailure = (message: string, error: unknown, label: string, onClick: () => void) =>
    notify.error(message, { description: errorMessage(error), action: { label, onClick } });

  async function edit(id: string, base: Task, text: TaskText) {
    drafts.close(id);
    if (sameText(base, text)) return;
    try {
      await editMutation.mutateAsync({ id, base, text });
      announce(`Saved ${text.title}`);
    } catch (error) {
      if (mutations.isNotFound(error)) {
        return notify.error(`“${base.title}” was deleted meanwhile`, {
          description: "Your text is not lost: add it as a new task.",
          action: { label: "Add", onClick: () => addTask(client, text) },
        });
      }
      drafts.open({ base, text, error: errorMessage(error) });
      if (mutations.isConflict(error)) return announce("This task was changed in another tab.");
      notifyFailure(`“${base.title}” was not saved`, error, "Retry", () => edit(id, base, text));
    }
  }

  async function setStatus(task: Task, status: TaskStatus) {
    lastUndo.current = () => setStatus(task, task.status);
    const verb = status === "completed" ? "completed" : "reopened";
    try {
      await statusMutation.mutateAsync({ task, status });
      announce(`${verb === "completed" ? "Completed" : "Reopened"} ${task.title}`);
    } catch (error) {
      if (mutations.isNotFound(error)) return notify.error(`“${task.title}” was deleted meanwhile`);
      notifyFailure(`“${task.title}” was not ${verb}`, error, "Retry", () => setStatus(task, status));
    }
  }

  async function remove(task: Task) {
    const undo = () => bulk("restore", [task]);
    lastUndo.current = undo;
    notify.success(`Deleted “${task.title}”`, { id: task.id, action: { label: "Undo", onClick: undo } });
    try {
      await removeMutation.mutateAsync({ tasks: [task] });
    } catch (error) {
      notify.dismiss(task.id);
      notifyFailure(`“${task.title}” was not deleted`, error, "Retry", () => remove(task));
    }
  }

  async function bulk(action: BulkAction, tasks: Task[]) {
    const verbs = BULK_VERBS[action];
    const outcome = await bulkMutation.mutateAsync({ action, tasks });
    if (outcome.done.length > 0) {
      const undo = () => bulk(REVERSE_ACTION[action], outcome.done);
      lastUndo.current = action === "restore" ? null : undo;
      const message = `${verbs.done} ${tasks.length === 1 ? `“${tasks[0]?.title}”` : plural(outcome.done.length, "task")}`;
      notify.success(message, action === "restore" ? {} : { action: { label: "Undo", onClick: undo } });
    }
    if (outcome.failed.length > 0) {
      const message = `${plural(outcome.failed.length, "task")} ${outcome.failed.length === 1 ? "was" : "were"} ${verbs.failed}`;
      notifyFailure(message, outcome.error, "Retry", () => bulk(action, outcome.failed));
    }
  }

  function undo() {
    lastUndo.current?.();
    lastUndo.current = null;
  }

  return { edit, setStatus, remove, bulk, undo };
}

export type TaskActions = ReturnType<typeof useTaskActions>;
