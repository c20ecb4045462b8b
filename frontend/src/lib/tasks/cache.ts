import type { InfiniteData, QueryClient, QueryKey } from "@tanstack/react-query";
import type { Task, TaskCounts, TaskPage } from "@/lib/api/types";
import { randomId } from "@/lib/utils";
import { comparator, matches, matchesText, type TaskFilter } from "./filter";
import { afterFetch } from "./in-flight";
import { taskKeys } from "./keys";
import { refreshCounts } from "./refresh";

export type TaskPages = InfiniteData<TaskPage, string | null>;

const PLACEHOLDER_PREFIX = "new:";

/** Creates the task that is shown until the server has confirmed the new one. */
export function createPlaceholder(title: string, description: string): Task {
  const now = new Date().toISOString();
  const id = PLACEHOLDER_PREFIX + randomId();
  return {
    id,
    title,
    description,
    status: "pending",
    created_at: now,
    updated_at: now,
    completed_at: null,
    version: 0,
  };
}

export const isPlaceholder = (id: string) => id.startsWith(PLACEHOLDER_PREFIX);

export function withStatus(task: Task, status: Task["status"]): Task {
  const now = new Date().toISOString();
  return { ...task, status, updated_at: now, completed_at: status === "completed" ? now : null };
}

export function flatten(data: Pick<TaskPages, "pages"> | undefined): Task[] {
  const tasks = new Map(data?.pages.flatMap((page) => page.tasks.map((task) => [task.id, task])));
  return [...tasks.values()];
}

export const findTask = (client: QueryClient, id: string) => loadedTasks(client).get(id);

/**
 * Puts the latest state of tasks into every list and count that shows them. `isNew` means that a task which is in no
 * list is new, and not just on a page that is not loaded. `fromEvent` means that the tasks come from the event stream:
 * they must not undo a change to the same version that the server has not confirmed yet.
 */
export function putTasks(client: QueryClient, tasks: Task[], { isNew = false, fromEvent = false } = {}) {
  changeLists(client, (loaded) => {
    const changes = tasks
      .map((task) => ({ task, previous: loaded.get(task.id) ?? findPlaceholder(loaded, task) }))
      .filter(
        ({ task, previous }) =>
          !previous || (fromEvent ? previous.version < task.version : previous.version <= task.version),
      );
    const counted = changes.filter(({ previous }) => isNew || previous);
    return {
      change: changes.length > 0 && ((data, filter) => updatePages(data, changes, filter)),
      counted: counted.map(({ task, previous }) => [previous, task]),
    };
  });
}

/** Removes tasks from every list and count. Returns those that were there. */
export function removeTasks(client: QueryClient, ids: string[]): Task[] {
  const removedIds = new Set(ids);
  const pick = (loaded: Map<string, Task>) => ids.flatMap((id) => loaded.get(id) ?? []);
  const removed = pick(loadedTasks(client));
  changeLists(client, (loaded) => ({
    change: (data) => mapPages(data, (tasks) => tasks.filter(({ id }) => !removedIds.has(id))),
    counted: pick(loaded).map((task) => [task, undefined]),
  }));
  return removed;
}

type Change = { task: Task; previous: Task | undefined };
type Compare = (a: Task, b: Task) => number;

/** Given the loaded tasks, returns how to change the lists, and each task that counts before and after the change. */
type Edit = (loaded: Map<string, Task>) => {
  change: ((data: TaskPages, filter: TaskFilter) => TaskPages) | false;
  counted: [before: Task | undefined, after: Task | undefined][];
};

function updatePages(data: TaskPages, changes: Change[], filter: TaskFilter): TaskPages {
  const compare = comparator(filter.sort);
  const remaining = new Map(changes.map((change) => [change.previous?.id ?? change.task.id, change]));
  const toInsert: Task[] = [];
  const kept = mapPages(data, (tasks) =>
    tasks.flatMap((old) => {
      const change = remaining.get(old.id);
      if (!change) return old;
      remaining.delete(old.id);
      const { task } = change;
      if (old.version > task.version) return old;
      if (!matches(task, filter)) return [];
      if (isPlaceholder(old.id) || compare(task, old) === 0) return task;
      toInsert.push(task);
      return [];
    }),
  );
  for (const { task } of remaining.values()) if (matches(task, filter)) toInsert.push(task);
  return toInsert.length > 0 ? insertSorted(kept, toInsert.sort(compare), compare) : kept;
}

/** Inserts sorted tasks into the loaded pages. A task that belongs after them comes with its own page later. */
function insertSorted(data: TaskPages, added: Task[], compare: Compare): TaskPages {
  const complete = data.pages.at(-1)?.next_cursor == null;
  let nextIndex = 0;
  return mapPages(data, (tasks, index) => {
    const merged: Task[] = [];
    const insertBefore = (task: Task) => {
      for (let head = added[nextIndex]; head && compare(head, task) < 0; head = added[++nextIndex]) merged.push(head);
    };
    for (const task of tasks) {
      insertBefore(task);
      merged.push(task);
    }
    if (complete && index === data.pages.length - 1) merged.push(...added.slice(nextIndex));
    return merged;
  });
}

function mapPages(data: TaskPages, change: (tasks: Task[], index: number) => Task[]): TaskPages {
  const pages = data.pages.map((page, index) => ({ ...page, tasks: change(page.tasks, index) }));
  return { ...data, pages };
}

function recount(client: QueryClient, changes: ReturnType<Edit>["counted"], queryKey: QueryKey = taskKeys.allCounts) {
  for (const query of client.getQueryCache().findAll({ queryKey })) {
    const key = query.queryKey;
    const counts = client.getQueryData<TaskCounts>(key);
    if (!counts) continue;
    const q = String(key[2]);
    const next = { ...counts };
    const count = (task: Task | undefined, step: 1 | -1) => {
      if (!task || !matchesText(task, q)) return;
      next.all += step;
      next[task.status] += step;
    };
    for (const [before, after] of changes) {
      count(before, -1);
      count(after, 1);
    }
    client.setQueryData<TaskCounts>(key, next);
    // The answer of a running fetch may contain the change or not, so the counts are set and then fetched again.
    afterFetch(client, query, () => {
      client.setQueryData<TaskCounts>(key, next);
      refreshCounts(client);
    });
  }
}

function changeLists(client: QueryClient, edit: Edit) {
  const { change, counted } = edit(loadedTasks(client));
  if (!change) return;
  for (const query of client.getQueryCache().findAll({ queryKey: taskKeys.lists })) {
    const { queryKey } = query;
    const filter = queryKey[2] as TaskFilter;
    client.setQueryData<TaskPages>(queryKey, (data) => data && change(data, filter));
    afterFetch(client, query, () => {
      // The answer may contain the change already, so what is left to change depends on the fetched tasks.
      const reapplied = edit(loadedTasks(client, queryKey));
      const reapply = reapplied.change;
      if (reapply) client.setQueryData<TaskPages>(queryKey, (data) => data && reapply(data, filter));
      recount(client, reapplied.counted, taskKeys.counts(filter.q));
      refreshCounts(client);
    });
  }
  recount(client, counted);
}

function loadedTasks(client: QueryClient, queryKey: QueryKey = taskKeys.lists) {
  const loaded = new Map<string, Task>();
  for (const [, data] of client.getQueriesData<TaskPages>({ queryKey })) {
    for (const page of data?.pages ?? []) for (const task of page.tasks) loaded.set(task.id, task);
  }
  return loaded;
}

/** The event of a new task can arrive before the response to the request that created it. */
function findPlaceholder(loaded: Map<string, Task>, task: Task) {
  if (isPlaceholder(task.id)) return undefined;
  for (const other of loaded.values()) {
    const { id, title, description } = other;
    if (isPlaceholder(id) && title === task.title && description === task.description) return other;
  }
}
