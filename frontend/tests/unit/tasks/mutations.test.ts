import { MutationObserver, type QueryClient } from "@tanstack/react-query";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { ApiError } from "@/lib/api/problem";
import * as api from "@/lib/api/tasks";
import type { Task } from "@/lib/api/types";
import { addMutation } from "@/lib/tasks/add";
import { applyEvent } from "@/lib/tasks/events";
import { bulkChange, changeStatus, editTask, removeTask } from "@/lib/tasks/mutations";
import { counts, inOrder, loadedClient, task, titles } from "./builders";

vi.mock("@/lib/api/tasks", { spy: true });

const [first, second] = inOrder("first", "second") as [Task, Task];
const failure = (status: number) => new ApiError({ status, code: "any", detail: "No." });

let client: QueryClient;

beforeEach(() => {
  vi.useFakeTimers();
  client = loadedClient({ "": [[second, first]], "status=pending": [[second, first]] });
});

afterEach(() => {
  vi.useRealTimers();
  vi.resetAllMocks();
});

describe("adding", () => {
  const add = (title: string) =>
    new MutationObserver(client, addMutation(client)).mutate({ text: { title, description: "" }, key: "key" });

  it("shows the task before the server responds", async () => {
    vi.mocked(api.createTask).mockResolvedValue(task("third", { created_at: "2026-02-01T00:00:00Z" }));
    const done = add("third");
    expect(titles(client)).toEqual(["third", "second", "first"]);
    await done;
    expect(titles(client)).toEqual(["third", "second", "first"]);
    expect(counts(client)?.all).toBe(3);
  });

  it("shows it once when its event arrives before the response", async () => {
    const created = task("third", { created_at: "2026-02-01T00:00:00Z" });
    vi.mocked(api.createTask).mockImplementation(async () => {
      applyEvent(client, { kind: "created", ids: [created.id], tasks: [created] });
      return created;
    });
    await add("third");
    expect(titles(client)).toEqual(["third", "second", "first"]);
    expect(counts(client)?.all).toBe(3);
  });

  it("removes it when the server refuses", async () => {
    vi.mocked(api.createTask).mockRejectedValue(failure(503));
    await expect(add("third")).rejects.toThrow("No.");
    expect(titles(client)).toEqual(["second", "first"]);
    expect(counts(client)?.all).toBe(2);
  });
});

describe("editing", () => {
  const edit = (base: Task, title: string) =>
    new MutationObserver(client, editTask(client)).mutate({ id: base.id, base, text: { title, description: "" } });

  it("rolls back when the server refuses", async () => {
    vi.mocked(api.updateTask).mockRejectedValue(failure(500));
    const done = edit(first, "changed");
    expect(titles(client)).toEqual(["second", "changed"]);
    await expect(done).rejects.toThrow();
    expect(titles(client)).toEqual(["second", "first"]);
  });

  it("shows the other text if that has changed", async () => {
    vi.mocked(api.updateTask).mockRejectedValue(failure(412));
    vi.mocked(api.getTask).mockResolvedValue({ ...first, title: "theirs", version: 2 });
    await expect(edit(first, "mine")).rejects.toMatchObject({ status: 412 });
    expect(titles(client)).toEqual(["second", "theirs"]);
    expect(api.updateTask).toHaveBeenCalledOnce();
  });

  it("saves the text if only the status has changed", async () => {
    vi.mocked(api.updateTask)
      .mockRejectedValueOnce(failure(412))
      .mockResolvedValueOnce({ ...first, title: "mine", status: "completed", version: 3 });
    vi.mocked(api.getTask).mockResolvedValue({ ...first, status: "completed", version: 2 });
    await edit(first, "mine");
    expect(api.updateTask).toHaveBeenLastCalledWith("first", { title: "mine", description: "" }, 2);
    expect(titles(client)).toEqual(["second", "mine"]);
  });

  it("removes a task that has been deleted", async () => {
    vi.mocked(api.updateTask).mockRejectedValue(failure(404));
    await expect(edit(first, "mine")).rejects.toThrow();
    expect(titles(client)).toEqual(["second"]);
  });
});

describe("completing", () => {
  it("rolls back into the list that the task has left", async () => {
    vi.mocked(api.setTaskStatus).mockRejectedValue(failure(503));
    const done = new MutationObserver(client, changeStatus(client)).mutate({ task: second, status: "completed" });
    expect(titles(client, "status=pending")).toEqual(["first"]);
    await expect(done).rejects.toThrow();
    expect(titles(client, "status=pending")).toEqual(["second", "first"]);
    expect(counts(client)).toEqual({ all: 2, pending: 2, completed: 0 });
  });
});

describe("deleting", () => {
  const remove = (one: Task) => new MutationObserver(client, removeTask(client)).mutate({ tasks: [one] });

  it("rolls back when the server refuses", async () => {
    vi.mocked(api.deleteTask).mockRejectedValue(failure(503));
    const done = remove(second);
    expect(titles(client)).toEqual(["first"]);
    await expect(done).rejects.toThrow();
    expect(titles(client)).toEqual(["second", "first"]);
  });

  it("succeeds if the task is already deleted", async () => {
    vi.mocked(api.deleteTask).mockRejectedValue(failure(404));
    await remove(second);
    expect(titles(client)).toEqual(["first"]);
  });

  it("is not undone by an event from before it", async () => {
    vi.mocked(api.deleteTask).mockImplementation(async () => {
      applyEvent(client, { kind: "updated", ids: ["second"], tasks: [{ ...second, version: 2 }] });
    });
    await remove(second);
    expect(titles(client)).toEqual(["first"]);
  });
});

describe("bulk changes", () => {
  const many = Array.from({ length: 450 }, (_, index) => task(`task ${index}`));
  const bulk = (action: "complete" | "delete") =>
    new MutationObserver(client, bulkChange(client)).mutate({ action, tasks: many });

  it("are sent in chunks of 200", async () => {
    client = loadedClient({ "": [many] });
    vi.mocked(api.bulkTasks).mockImplementation(async (_action, ids) => ({
      tasks: many.filter(({ id }) => ids.includes(id)).map((one) => ({ ...one, status: "completed", version: 2 })),
      not_found: [],
    }));
    const outcome = await bulk("complete");
    expect(vi.mocked(api.bulkTasks).mock.calls.map(([, ids]) => ids.length)).toEqual([200, 200, 50]);
    expect(outcome.failed).toEqual([]);
    expect(counts(client)).toEqual({ all: 450, pending: 0, completed: 450 });
  });

  it("keep what succeeded and restore what failed", async () => {
    client = loadedClient({ "": [many] });
    vi.mocked(api.bulkTasks)
      .mockResolvedValueOnce({ tasks: many.slice(0, 200), not_found: [] })
      .mockRejectedValueOnce(failure(503));
    const outcome = await bulk("delete");
    expect(outcome).toMatchObject({ done: many.slice(0, 200), failed: many.slice(200) });
    expect(titles(client)?.length).toBe(250);
    expect(counts(client)?.all).toBe(250);
  });
});
