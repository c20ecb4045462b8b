import { mutationOptions, type QueryClient } from "@tanstack/react-query";
import { ApiError } from "@/lib/api/problem";
import { BULK_LIMIT, bulkTasks, deleteTask, getTask, setTaskStatus, updateTask } from "@/lib/api/tasks";
import type { BulkAction, Task, TaskStatus } from "@/lib/api/types";
import { dropTasks, findTask, putTasks, withStatus } from "./cache";
import { refreshCounts } from "./refresh";
import { sameText, type TaskText } from "./text";

/** Requests that change tasks run in the order of the actions; what is shown changes at once. */
const ORDERED = { id: "tasks" };
const DELETE = ["tasks", "delete"];

export type Edit = { id: string; base: Task; text: TaskText };

export function editTask(client: QueryClient) {
  return mutationOptions({
    scope: ORDERED,
    mutationFn: (edit: Edit) => saveUnlessTextChanged(client, edit),
    onMutate: ({ id, text }) => {
      const previous = findTask(client, id);
      if (previous) putTasks(client, [{ ...previous, ...text, updated_at: new Date().toISOString() }]);
      return previous;
    },
    onSuccess: (task) => putTasks(client, [task]),
    onError: (error, { id }, previous) => rollBack(client, error, id, previous),
  });
}

/**
 * A task that only changed its status meanwhile takes the new text; one whose text changed fails with 412, and the
 * cache then holds the other text.
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
    scope: ORDERED,
    mutationFn: ({ task, status }: { task: Task; status: TaskStatus }) => setTaskStatus(task.id, status),
    onMutate: ({ task, status }) => {
      const previous = findTask(client, task.id) ?? task;
      putTasks(client, [withStatus(previous, status)]);
      return previous;
    },
    onSuccess: (task) => putTasks(client, [task]),
    onError: (error, { task }, previous) => rollBack(client, error, task.id, previous),
    onSettled: () => refreshCounts(client),
  });
}

export function removeTask(client: QueryClient) {
  return mutationOptions({
    mutationKey: DELETE,
    scope: ORDERED,
    mutationFn: async ({ tasks: [task] }: { tasks: [Task] }) => {
      await deleteTask(task.id).catch((error: unknown) => {
        if (!isGone(error)) throw error;
      });
    },
    onMutate: ({ tasks: [task] }) => dropTasks(client, [task.id]),
    onError: (_error, _variables, dropped) => dropped && putTasks(client, dropped, { fresh: true }),
    onSettled: () => refreshCounts(client),
  });
}

export type Bulk = { action: BulkAction; tasks: Task[] };
export type BulkOutcome = { done: Task[]; failed: Task[]; error?: unknown };

/** In chunks; what a failed chunk leaves undone is shown again and told in the outcome. */
export function bulkChange(client: QueryClient) {
  return mutationOptions({
    mutationKey: DELETE,
    scope: ORDERED,
    mutationFn: async ({ action, tasks }: Bulk): Promise<BulkOutcome> => {
      const done: Task[] = [];
      for (let start = 0; start < tasks.length; start += BULK_LIMIT) {
        const ids = tasks.slice(start, start + BULK_LIMIT).map(({ id }) => id);
        try {
          const result = await bulkTasks(action, ids);
          done.push(...result.tasks);
          if (action === "delete") continue;
          dropTasks(client, result.not_found);
          putTasks(client, result.tasks);
        } catch (error) {
          const failed = tasks.slice(start);
          if (action === "restore") dropIds(client, failed);
          else putTasks(client, failed, { fresh: action === "delete" });
          return { done, failed, error };
        }
      }
      return { done, failed: [] };
    },
    onMutate: ({ action, tasks }) => {
      if (action === "delete") return dropIds(client, tasks);
      if (action === "restore") return putTasks(client, tasks, { fresh: true });
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

/** Tasks whose deletion is under way: events from before it must not bring them back. */
export function beingDeleted(client: QueryClient): Set<string> {
  const mutations = client.getMutationCache().findAll({ mutationKey: DELETE, status: "pending" });
  const deletions = mutations.map(({ state }) => state.variables as Partial<Bulk> & Pick<Bulk, "tasks">);
  return new Set(
    deletions.filter(({ action = "delete" }) => action === "delete").flatMap(({ tasks }) => tasks.map(({ id }) => id)),
  );
}

function dropIds(client: QueryClient, tasks: Task[]) {
  dropTasks(
    client,
    tasks.map(({ id }) => id),
  );
}

function rollBack(client: QueryClient, error: unknown, id: string, previous: Task | undefined) {
  if (isGone(error)) dropTasks(client, [id]);
  else if (previous) putTasks(client, [previous]);
}

export const isGone = (error: unknown) => error instanceof ApiError && error.status === 404;
export const isConflict = (error: unknown) => error instanceof ApiError && error.status === 412;
