import { QueryClient } from "@tanstack/react-query";
import type { Task, TaskCounts } from "@/lib/api/types";
import type { TaskPages } from "@/lib/tasks/cache";
import { parseFilter, type TaskFilter } from "@/lib/tasks/filter";
import { taskKeys } from "@/lib/tasks/keys";

export function task(title: string, change: Partial<Task> = {}): Task {
  return {
    id: title,
    title,
    description: "",
    status: "pending",
    created_at: "2026-01-01T10:00:00Z",
    updated_at: "2026-01-01T10:00:00Z",
    completed_at: null,
    version: 1,
    ...change,
  };
}

/** Creates tasks with increasing times. */
export const inOrder = (...titles: string[]) =>
  titles.map((title, minute) => {
    const time = `2026-01-01T10:${String(minute).padStart(2, "0")}:00Z`;
    return task(title, { created_at: time, updated_at: time });
  });

/** A client that has loaded the pages of these lists. The key of each is its query string. */
export function loadedClient(lists: Record<string, Task[][]>, { more = false } = {}) {
  const client = new QueryClient();
  for (const [search, pages] of Object.entries(lists)) {
    client.setQueryData<TaskPages>(taskKeys.list(filter(search)), {
      pages: pages.map((tasks, index) => {
        const last = index === pages.length - 1;
        return { tasks, next_cursor: !last || more ? `after ${index}` : null, counts: count(tasks) };
      }),
      pageParams: pages.map(() => null),
    });
    client.setQueryData<TaskCounts>(taskKeys.counts(filter(search).q), count(pages.flat()));
  }
  return client;
}

/** Runs a mutation that ends when `finish` is called. */
export function startMutation(client: QueryClient) {
  let release = () => {};
  const blocked = new Promise<void>((resolve) => {
    release = resolve;
  });
  const mutation = client
    .getMutationCache()
    .build(client, { mutationFn: () => blocked })
    .execute(undefined);
  return async function finish() {
    release();
    await mutation;
  };
}

export const filter = (search: string): TaskFilter => parseFilter(new URLSearchParams(search));

export function titles(client: QueryClient, search = "") {
  const data = client.getQueryData<TaskPages>(taskKeys.list(filter(search)));
  return data?.pages.flatMap((page) => page.tasks.map(({ title }) => title));
}

export const counts = (client: QueryClient, q = "") => client.getQueryData<TaskCounts>(taskKeys.counts(q));

function count(tasks: Task[]): TaskCounts {
  const completed = tasks.filter(({ status }) => status === "completed").length;
  return { all: tasks.length, pending: tasks.length - completed, completed };
}
