import type { QueryClient } from "@tanstack/react-query";
import { describe, expect, it } from "vitest";
import type { Task, TaskCounts, TaskPage } from "@/lib/api/types";
import { dropTasks, findTask, provisional, putTasks, withStatus } from "@/lib/tasks/cache";
import { taskKeys } from "@/lib/tasks/keys";
import { counts, filter, inOrder, loaded, task, titles } from "./builders";

const [first, second, third] = inOrder("first", "second", "third") as [Task, Task, Task];

describe("putTasks", () => {
  it("puts a new task where the order of each list wants it", () => {
    const client = loaded({ "": [[third, first]], "sort=created": [[first, third]], "sort=title": [[first, third]] });
    putTasks(client, [second], { fresh: true });
    expect(titles(client)).toEqual(["third", "second", "first"]);
    expect(titles(client, "sort=created")).toEqual(["first", "second", "third"]);
    expect(titles(client, "sort=title")).toEqual(["first", "second", "third"]);
    expect(counts(client)).toEqual({ all: 3, pending: 3, completed: 0 });
  });

  it("leaves a task behind the loaded part to the page it comes with", () => {
    const client = loaded({ "": [[third], [second]] }, { more: true });
    putTasks(client, [first], { fresh: true });
    expect(titles(client)).toEqual(["third", "second"]);
  });

  it("adds the last task of a list that is loaded to its end", () => {
    const client = loaded({ "": [[third], [second]] });
    putTasks(client, [first], { fresh: true });
    expect(titles(client)).toEqual(["third", "second", "first"]);
  });

  it("moves a task between lists and counts when its status changes", () => {
    const client = loaded({ "status=pending": [[third, first]], "status=completed": [[]], "": [[third, first]] });
    putTasks(client, [withStatus(third, "completed")]);
    expect(titles(client, "status=pending")).toEqual(["first"]);
    expect(titles(client, "status=completed")).toEqual(["third"]);
    expect(titles(client)).toEqual(["third", "first"]);
    expect(counts(client)).toEqual({ all: 2, pending: 1, completed: 1 });
  });

  it("takes a task out of a search that it no longer matches, and into one that it does", () => {
    const client = loaded({ "q=first": [[first]], "q=renamed": [[]] });
    putTasks(client, [{ ...first, title: "Renamed", version: 2 }]);
    expect(titles(client, "q=first")).toEqual([]);
    expect(titles(client, "q=renamed")).toEqual(["Renamed"]);
    expect(counts(client, "renamed")).toEqual({ all: 1, pending: 1, completed: 0 });
  });

  it("searches descriptions too, in any case", () => {
    const client = loaded({ "q=MILK": [[]] });
    putTasks(client, [task("shop", { description: "oat milk" })], { fresh: true });
    expect(titles(client, "q=MILK")).toEqual(["shop"]);
  });

  it("ignores what is older than what is shown", () => {
    const client = loaded({ "": [[{ ...first, version: 3 }]] });
    putTasks(client, [{ ...first, title: "stale", status: "completed", version: 2 }]);
    expect(titles(client)).toEqual(["first"]);
    expect(counts(client)).toEqual({ all: 1, pending: 1, completed: 0 });
  });

  it("does not count a task twice that is not loaded", () => {
    const client = loaded({ "": [[third]] }, { more: true });
    putTasks(client, [{ ...first, status: "completed", version: 2 }]);
    expect(counts(client)).toEqual({ all: 1, pending: 1, completed: 0 });
  });

  it("puts the confirmed task in the place of the one that was shown before", () => {
    const shown = provisional("fourth", "");
    const client = loaded({ "": [[third, first]] });
    putTasks(client, [shown], { fresh: true });
    expect(findTask(client, shown.id)).toBeDefined();
    putTasks(client, [task("fourth", { created_at: "2026-02-01T00:00:00Z" })], { fresh: true });
    expect(titles(client)).toEqual(["fourth", "third", "first"]);
    expect(findTask(client, shown.id)).toBeUndefined();
    expect(counts(client)).toEqual({ all: 3, pending: 3, completed: 0 });
  });

  it("keeps 10,000 tasks in order when many change at once", () => {
    const many = Array.from({ length: 10_000 }, (_, index) =>
      task(`task ${index}`, { created_at: new Date(1e12 - index * 1000).toISOString() }),
    );
    const client = loaded({ "": [many.slice(0, 5_000), many.slice(5_000)], "sort=-updated": [many] });
    const started = performance.now();
    putTasks(
      client,
      many.slice(0, 2_000).map((one) => withStatus(one, "completed")),
    );
    expect(performance.now() - started).toBeLessThan(1_000);
    expect(counts(client)).toEqual({ all: 10_000, pending: 8_000, completed: 2_000 });
    expect(titles(client)?.length).toBe(10_000);
    expect(titles(client, "sort=-updated")?.length).toBe(10_000);
  });
});

describe("dropTasks", () => {
  it("takes tasks out of every list and gives them back for a rollback", () => {
    const client = loaded({ "": [[third, second, first]], "q=second": [[second]] });
    const dropped = dropTasks(client, ["second", "unknown"]);
    expect(dropped).toEqual([second]);
    expect(titles(client)).toEqual(["third", "first"]);
    expect(counts(client, "second")).toEqual({ all: 0, pending: 0, completed: 0 });
    putTasks(client, dropped, { fresh: true });
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

  /** Fetches list and counts again, as the page does; `answer` gives what the server knew before. */
  function refetch(client: QueryClient) {
    let answer = (_tasks: Task[]) => {};
    const fetched = client.fetchInfiniteQuery({
      queryKey: taskKeys.list(filter("")),
      queryFn: () => new Promise<TaskPage>((resolve) => (answer = (tasks) => resolve(page(tasks)))),
      initialPageParam: null as string | null,
    });
    return async (...tasks: Task[]) => {
      client.setQueryData(taskKeys.counts(""), page(tasks).counts);
      answer(tasks);
      await fetched;
    };
  }

  it("survives an answer that is older", async () => {
    const client = loaded({ "": [[second, first]] });
    const answer = refetch(client);
    putTasks(client, [third], { fresh: true });
    putTasks(client, [{ ...second, title: "renamed", version: 2 }]);
    dropTasks(client, ["first"]);
    await answer(second, first);
    expect(titles(client)).toEqual(["third", "renamed"]);
  });

  it("is counted once, whether the answer knows of it or not", async () => {
    for (const known of [[first], [second, first]]) {
      const client = loaded({ "": [[first]] });
      const answer = refetch(client);
      putTasks(client, [second], { fresh: true });
      await answer(...known);
      expect(counts(client)).toEqual({ all: 2, pending: 2, completed: 0 });
    }
  });

  it("does not undo what the answer brings", async () => {
    const client = loaded({ "": [[second, first]] });
    const answer = refetch(client);
    putTasks(client, [{ ...second, title: "renamed", version: 2 }]);
    await answer({ ...second, title: "renamed again", version: 3 }, first);
    expect(titles(client)).toEqual(["renamed again", "first"]);
  });
});

it("a change outlives counts that were asked for before it", async () => {
  const client = loaded({ "": [[third, second, first]] });
  let answer = (_counts: TaskCounts) => {};
  const fetched = client.fetchQuery({
    queryKey: taskKeys.counts(""),
    queryFn: () => new Promise<TaskCounts>((resolve) => (answer = resolve)),
  });
  putTasks(client, [withStatus(third, "completed")]);
  dropTasks(client, ["first"]);
  answer({ all: 3, pending: 3, completed: 0 });
  await fetched;
  expect(counts(client)).toEqual({ all: 2, pending: 1, completed: 1 });
});
