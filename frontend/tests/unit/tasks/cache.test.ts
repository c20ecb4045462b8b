import type { QueryClient } from "@tanstack/react-query";
import { describe, expect, it } from "vitest";
import type { Task, TaskCounts, TaskPage } from "@/lib/api/types";
import { createPlaceholder, findTask, putTasks, removeTasks, withStatus } from "@/lib/tasks/cache";
import { taskKeys } from "@/lib/tasks/keys";
import { counts, filter, inOrder, loadedClient, task, titles } from "./builders";

const [first, second, third] = inOrder("first", "second", "third") as [Task, Task, Task];

describe("putTasks", () => {
  it("inserts a new task into the order of each list", () => {
    const client = loadedClient({
      "": [[third, first]],
      "sort=created": [[first, third]],
      "sort=title": [[first, third]],
    });
    putTasks(client, [second], { isNew: true });
    expect(titles(client)).toEqual(["third", "second", "first"]);
    expect(titles(client, "sort=created")).toEqual(["first", "second", "third"]);
    expect(titles(client, "sort=title")).toEqual(["first", "second", "third"]);
    expect(counts(client)).toEqual({ all: 3, pending: 3, completed: 0 });
  });

  it("does not insert a task that belongs on a page that is not loaded", () => {
    const client = loadedClient({ "": [[third], [second]] }, { more: true });
    putTasks(client, [first], { isNew: true });
    expect(titles(client)).toEqual(["third", "second"]);
  });

  it("appends the last task of a list that is loaded completely", () => {
    const client = loadedClient({ "": [[third], [second]] });
    putTasks(client, [first], { isNew: true });
    expect(titles(client)).toEqual(["third", "second", "first"]);
  });

  it("moves a task between lists and counts when its status changes", () => {
    const client = loadedClient({ "status=pending": [[third, first]], "status=completed": [[]], "": [[third, first]] });
    putTasks(client, [withStatus(third, "completed")]);
    expect(titles(client, "status=pending")).toEqual(["first"]);
    expect(titles(client, "status=completed")).toEqual(["third"]);
    expect(titles(client)).toEqual(["third", "first"]);
    expect(counts(client)).toEqual({ all: 2, pending: 1, completed: 1 });
  });

  it("moves a task from a search that it no longer matches to one that it matches", () => {
    const client = loadedClient({ "q=first": [[first]], "q=renamed": [[]] });
    putTasks(client, [{ ...first, title: "Renamed", version: 2 }]);
    expect(titles(client, "q=first")).toEqual([]);
    expect(titles(client, "q=renamed")).toEqual(["Renamed"]);
    expect(counts(client, "renamed")).toEqual({ all: 1, pending: 1, completed: 0 });
  });

  it("matches descriptions too, without regard to case", () => {
    const client = loadedClient({ "q=MILK": [[]] });
    putTasks(client, [task("shop", { description: "oat milk" })], { isNew: true });
    expect(titles(client, "q=MILK")).toEqual(["shop"]);
  });

  it("ignores a version that is older than the loaded one", () => {
    const client = loadedClient({ "": [[{ ...first, version: 3 }]] });
    putTasks(client, [{ ...first, title: "stale", status: "completed", version: 2 }]);
    expect(titles(client)).toEqual(["first"]);
    expect(counts(client)).toEqual({ all: 1, pending: 1, completed: 0 });
  });

  it("does not count a task again that is not loaded", () => {
    const client = loadedClient({ "": [[third]] }, { more: true });
    putTasks(client, [{ ...first, status: "completed", version: 2 }]);
    expect(counts(client)).toEqual({ all: 1, pending: 1, completed: 0 });
  });

  it("replaces the placeholder by the confirmed task", () => {
    const placeholder = createPlaceholder("fourth", "");
    const client = loadedClient({ "": [[third, first]] });
    putTasks(client, [placeholder], { isNew: true });
    expect(findTask(client, placeholder.id)).toBeDefined();
    putTasks(client, [task("fourth", { created_at: "2026-02-01T00:00:00Z" })], { isNew: true });
    expect(titles(client)).toEqual(["fourth", "third", "first"]);
    expect(findTask(client, placeholder.id)).toBeUndefined();
    expect(counts(client)).toEqual({ all: 3, pending: 3, completed: 0 });
  });

  it("keeps 10,000 tasks in order when many change at once", () => {
    const many = Array.from({ length: 10_000 }, (_, index) =>
      task(`task ${index}`, { created_at: new Date(1e12 - index * 1000).toISOString() }),
    );
    const client = loadedClient({ "": [many.slice(0, 5_000), many.slice(5_000)], "sort=-updated": [many] });
    const started = performance.now();
    putTasks(
      client,
      many.slice(0, 2_000).map((task) => withStatus(task, "completed")),
    );
    expect(performance.now() - started).toBeLessThan(1_000);
    expect(counts(client)).toEqual({ all: 10_000, pending: 8_000, completed: 2_000 });
    expect(titles(client)?.length).toBe(10_000);
    expect(titles(client, "sort=-updated")?.length).toBe(10_000);
  });
});

describe("removeTasks", () => {
  it("removes tasks from every list and returns them for a rollback", () => {
    const client = loadedClient({ "": [[third, second, first]], "q=second": [[second]] });
    const removed = removeTasks(client, ["second", "unknown"]);
    expect(removed).toEqual([second]);
    expect(titles(client)).toEqual(["third", "first"]);
    expect(counts(client, "second")).toEqual({ all: 0, pending: 0, completed: 0 });
    putTasks(client, removed, { isNew: true });
    expect(titles(client)).toEqual(["third", "second", "first"]);
    expect(counts(client)).toEqual({ all: 3, pending: 3, completed: 0 });
  });
});

describe("a change while a list is being fetched", () => {
  const page = (tasks: Task[]) => ({
    tasks,
    next_cursor: null,
    counts: { all: tasks.length, pending: tasks.length, completed: 0 },
  });

  /** Fetches the list and the counts again, as the page does. The returned function resolves the fetch. */
  function refetch(client: QueryClient) {
    let respond = (_tasks: Task[]) => {};
    const fetched = client.fetchInfiniteQuery({
      queryKey: taskKeys.list(filter("")),
      queryFn: () => new Promise<TaskPage>((resolve) => (respond = (tasks) => resolve(page(tasks)))),
      initialPageParam: null as string | null,
    });
    return async (...tasks: Task[]) => {
      client.setQueryData(taskKeys.counts(""), page(tasks).counts);
      respond(tasks);
      await fetched;
    };
  }

  it("survives a response that is older", async () => {
    const client = loadedClient({ "": [[second, first]] });
    const respond = refetch(client);
    putTasks(client, [third], { isNew: true });
    putTasks(client, [{ ...second, title: "renamed", version: 2 }]);
    removeTasks(client, ["first"]);
    await respond(second, first);
    expect(titles(client)).toEqual(["third", "renamed"]);
  });

  it("is counted once, whether the response contains it or not", async () => {
    for (const known of [[first], [second, first]]) {
      const client = loadedClient({ "": [[first]] });
      const respond = refetch(client);
      putTasks(client, [second], { isNew: true });
      await respond(...known);
      expect(counts(client)).toEqual({ all: 2, pending: 2, completed: 0 });
    }
  });

  it("does not overwrite a newer version in the response", async () => {
    const client = loadedClient({ "": [[second, first]] });
    const respond = refetch(client);
    putTasks(client, [{ ...second, title: "renamed", version: 2 }]);
    await respond({ ...second, title: "renamed again", version: 3 }, first);
    expect(titles(client)).toEqual(["renamed again", "first"]);
  });
});

it("a change survives counts that were requested before it", async () => {
  const client = loadedClient({ "": [[third, second, first]] });
  let respond = (_counts: TaskCounts) => {};
  const fetched = client.fetchQuery({
    queryKey: taskKeys.counts(""),
    queryFn: () => new Promise<TaskCounts>((resolve) => (respond = resolve)),
  });
  putTasks(client, [withStatus(third, "completed")]);
  removeTasks(client, ["first"]);
  respond({ all: 3, pending: 3, completed: 0 });
  await fetched;
  expect(counts(client)).toEqual({ all: 2, pending: 1, completed: 1 });
});
