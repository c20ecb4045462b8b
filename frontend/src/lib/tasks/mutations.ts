import { mutationOptions, type QueryClient } from "@tanstack/react-query";
import { ApiError } from "@/lib/api/problem";
import { bulkTasks, deleteTask, getTask, MAX_BULK_IDS, setTaskStatus, updateTask } from "@/lib/api/tasks";
import type { BulkAction, Task, TaskStatus } from "@/lib/api/types";
import { findTask, putTasks, removeTasks, withStatus } from "./cache";
import { refreshCounts } from "./refresh";
import { sameText, type TaskText } from "./text";

/** Requests that change tasks run one after the other. The page shows the changes at once. */
const SEQUENTIAL = { id: "tasks" };
const DELETE_KEY = ["tasks", "delete"];

type Edit = { id: string; base: Task; text: TaskText };

export function editTask(client: QueryClient) {
  return mutationOptions({
    scope: SEQUENTIAL,
    mutationFn: (edit: Edit) => saveUnlessTextChanged(client, edit),
    onMutate: ({ id, text }) => {
      const previous = findTask(client, id);
      if (previous) putTasks(client, [{ ...previous, ...text, updated_at: new Date().toISOString() }]);
      return previous;
    },
    onSuccess: (task) => putTasks(client, [task]),
    onError: (error, { id }, previous) => rollback(client, error, id, previous),
  });
}

/**
 * Saves the text even if the status has changed since the user began to edit. If the text has changed, this fails with
 * 412, and the cache has the other text.
 */
async function saveUnlessTextChanged(client: QueryClient, { id, base, text }: Edit): Promise<Task> {
  try {
    return await updateTask(id, text, base.version);
  } catch (error) {
    if (!isConflict(error)) throw error;
    const current = await getTask(id);
    if (!sameText(current, base)) {
      putTasks(client, [current]);
      throw error;
    }
    return saveUnlessTextChanged(client, { id, base: current, text });
  }
}

export function changeStatus(client: QueryClient) {
  return mutationOptions({
    scope: SEQUENTIAL,
    mutationFn: ({ task, status }: { task: Task; status: TaskStatus }) => setTaskStatus(task.id, status),
    onMutate: ({ task, status }) => {
      const previous = findTask(client, task.id) ?? task;
      putTasks(client, [withStatus(previous, status)]);
      return previous;
    },
    onSuccess: (task) => putTasks(client, [task]),
    onError: (error, { task }, previous) => rollback(client, error, task.id, previous),
    onSettled: () => refreshCounts(client),
  });
}

export function removeTask(client: QueryClient) {
  return mutationOptions({
    mutationKey: DELETE_KEY,
    scope: SEQUENTIAL,
    mutationFn: async ({ tasks: [task] }: { tasks: [Task] }) => {
      await deleteTask(task.id).catch((error: unknown) => {
        if (!isNotFound(error)) throw error;
      });
    },
    onMutate: ({ tasks: [task] }) => removeTasks(client, [task.id]),
    onError: (_error, _variables, removed) => removed && putTasks(client, removed, { isNew: true }),
    onSettled: () => refreshCounts(client),
  });
}

type BulkChange = { action: BulkAction; tasks: Task[] };
type BulkOutcome = { done: Task[]; failed: Task[]; error?: unknown };

/** Sends the ids in chunks. If one fails, the tasks from there on are shown unchanged again and are in the outcome. */
export function bulkChange(client: QueryClient) {
  return mutationOptions({
    mutationKey: DELETE_KEY,
    scope: SEQUENTIAL,
    mutationFn: async ({ action, tasks }: BulkChange): Promise<BulkOutcome> => {
      const done: Task[] = [];
      for (let start = 0; start < tasks.length; start += MAX_BULK_IDS) {
        const ids = tasks.slice(start, start + MAX_BULK_IDS).map(({ id }) => id);
        try {
          const result = await bulkTasks(action, ids);
          done.push(...result.tasks);
          if (action === "delete") continue;
          removeTasks(client, result.not_found);
          putTasks(client, result.tasks);
        } catch (error) {
          const failed = tasks.slice(start);
          if (action === "restore") removeAll(client, failed);
          else putTasks(client, failed, { isNew: action === "delete" });
          return { done, failed, error };
        }
      }
      return { done, failed: [] };
    },
    onMutate: ({ action, tasks }) => {
      if (action === "delete") return removeAll(client, tasks);
      if (action === "restore") return putTasks(client, tasks, { isNew: true });
      const status = action === "complete" ? "completed" : "pending";
      const changing = tasks.filter((task) => task.status !== status);
      putTasks(
        client,
        changing.map((task) => withStatus(task, status)),
      );
    },
    onSettled: () => refreshCounts(client),
  });
}

/** The ids of tasks that are being deleted: an event from before the deletion must not show them again. */
export function idsBeingDeleted(client: QueryClient): Set<string> {
  const mutations = client.getMutationCache().findAll({ mutationKey: DELETE_KEY, status: "pending" });
  const deletions = mutations.map(({ state }) => state.variables as Partial<BulkChange> & Pick<BulkChange, "tasks">);
  return new Set(
    deletions.filter(({ action = "delete" }) => action === "delete").flatMap(({ tasks }) => tasks.map(({ id }) => id)),
  );
}

function removeAll(client: QueryClient, tasks: Task[]) {
  removeTasks(
    client,
    tasks.map(({ id }) => id),
  );
}

function rollback(client: QueryClient, error: unknown, id: string, previous: Task | undefined) {
  if (isNotFound(error)) removeTasks(client, [id]);
  else if (previous) putTasks(client, [previous]);
}

export const isNotFound = (error: unknown) => error instanceof ApiError && error.status === 404;
export const isConflict = (error: unknown) => error instanceof ApiError && error.status === 412;
