import type { InfiniteData, QueryClient, QueryKey } from "@tanstack/react-query";
import type { Task, TaskCounts, TaskPage } from "@/lib/api/types";
import { randomId } from "@/lib/utils";
import { comparator, matches, matchesText, type TaskFilter } from "./filter";
import { afterFetch } from "./in-flight";
import { taskKeys } from "./keys";
import { refreshCounts } from "./refresh";

export type TaskPages = InfiniteData<TaskPage, string | null>;

const PROVISIONAL = "new:";

/** A task that the server has not confirmed yet. */
export function provisional(title: string, description: string): Task {
  const now = new Date().toISOString();
  const id = PROVISIONAL + randomId();
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

export const isProvisional = (id: string) => id.startsWith(PROVISIONAL);

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
 * Puts the newest state of tasks into every list and count that shows them. `fresh` says that a task which is in no
 * list is new, not just not loaded yet; `told` that the server tells of them unasked, which must not take back a change
 * to the same version that it has not confirmed yet.
 */
export function putTasks(client: QueryClient, tasks: Task[], { fresh = false, told = false } = {}) {
  changeLists(client, (loaded) => {
    const changes = tasks
      .map((task) => ({ task, previous: loaded.get(task.id) ?? provisionalTwin(loaded, task) }))
      .filter(
        ({ task, previous }) =>
          !previous || (told ? previous.version < task.version : previous.version <= task.version),
      );
    const counted = changes.filter(({ previous }) => fresh || previous);
    return {
      change: changes.length > 0 && ((data, filter) => put(data, changes, filter)),
      counted: counted.map(({ task, previous }) => [previous, task]),
    };
  });
}

/** Takes tasks out of every list and count. Returns those that were there. */
export function dropTasks(client: QueryClient, ids: string[]): Task[] {
  const gone = new Set(ids);
  const among = (loaded: Map<string, Task>) => ids.flatMap((id) => loaded.get(id) ?? []);
  const dropped = among(loadedTasks(client));
  changeLists(client, (loaded) => ({
    change: (data) => mapPages(data, (tasks) => tasks.filter(({ id }) => !gone.has(id))),
    counted: among(loaded).map((task) => [task, undefined]),
  }));
  return dropped;
}

type Change = { task: Task; previous: Task | undefined };
type Compare = (a: Task, b: Task) => number;

/** What to do to the lists, and which tasks were and are to be counted, given the tasks that are loaded. */
type Edit = (loaded: Map<string, Task>) => {
  change: ((data: TaskPages, filter: TaskFilter) => TaskPages) | false;
  counted: [before: Task | undefined, after: Task | undefined][];
};

function put(data: TaskPages, changes: Change[], filter: TaskFilter): TaskPages {
  const compare = comparator(filter.sort);
  const waiting = new Map(changes.map((change) => [change.previous?.id ?? change.task.id, change]));
  const moving: Task[] = [];
  const kept = mapPages(data, (tasks) =>
    tasks.flatMap((old) => {
      const change = waiting.get(old.id);
      if (!change) return old;
      waiting.delete(old.id);
      const { task } = change;
      if (old.version > task.version) return old;
      if (!matches(task, filter)) return [];
      if (isProvisional(old.id) || compare(task, old) === 0) return task;
      moving.push(task);
      return [];
    }),
  );
  for (const { task } of waiting.values()) if (matches(task, filter)) moving.push(task);
  return moving.length > 0 ? insert(kept, moving.sort(compare), compare) : kept;
}

/** Into the loaded part only: what belongs behind it comes with its page. `added` is in order. */
function insert(data: TaskPages, added: Task[], compare: Compare): TaskPages {
  const complete = data.pages.at(-1)?.next_cursor == null;
  let next = 0;
  return mapPages(data, (tasks, index) => {
    const merged: Task[] = [];
    const takeBefore = (task: Task) => {
      for (let head = added[next]; head && compare(head, task) < 0; head = added[++next]) merged.push(head);
    };
    for (const task of tasks) {
      takeBefore(task);
      merged.push(task);
    }
    if (complete && index === data.pages.length - 1) merged.push(...added.slice(next));
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
    // Who knows whether what the fetch brings has the change in it already.
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
      // Judged by what the fetch brought: it may know of the change already.
      const again = edit(loadedTasks(client, queryKey));
      const redo = again.change;
      if (redo) client.setQueryData<TaskPages>(queryKey, (data) => data && redo(data, filter));
      recount(client, again.counted, taskKeys.counts(filter.q));
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

/** The event of a new task can overtake the answer to the request that made it. */
function provisionalTwin(loaded: Map<string, Task>, task: Task) {
  if (isProvisional(task.id)) return undefined;
  for (const other of loaded.values()) {
    const { id, title, description } = other;
    if (isProvisional(id) && title === task.title && description === task.description) return other;
  }
}
