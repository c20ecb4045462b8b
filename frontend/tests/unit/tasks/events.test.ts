// @vitest-environment jsdom
import type { QueryClient } from "@tanstack/react-query";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import * as auth from "@/lib/api/auth";
import type { Task } from "@/lib/api/types";
import { putTasks, withStatus } from "@/lib/tasks/cache";
import { applyEvent, subscribeToEvents } from "@/lib/tasks/events";
import { taskKeys } from "@/lib/tasks/keys";
import { counts, filter, inOrder, loadedClient, startMutation, titles } from "./builders";

vi.mock("@/lib/api/auth", { spy: true });

const [first, second] = inOrder("first", "second") as [Task, Task];

class FakeEventSource extends EventTarget {
  static opened: FakeEventSource[] = [];
  closed = false;
  onerror: (() => void) | null = null;
  constructor(readonly url: string) {
    super();
    FakeEventSource.opened.push(this);
  }
  close() {
    this.closed = true;
  }
  emit(name: string, data: object, lastEventId = "") {
    this.dispatchEvent(new MessageEvent(name, { data: JSON.stringify(data), lastEventId }));
  }
}

const latest = () => FakeEventSource.opened.at(-1) as FakeEventSource;

describe("applyEvent", () => {
  it("applies tasks that were created, changed and deleted elsewhere", () => {
    const client = loadedClient({ "": [[first]] });
    applyEvent(client, { kind: "created", ids: ["second"], tasks: [second] });
    expect(titles(client)).toEqual(["second", "first"]);
    applyEvent(client, { kind: "updated", ids: ["first"], tasks: [{ ...first, title: "renamed", version: 2 }] });
    expect(titles(client)).toEqual(["second", "renamed"]);
    applyEvent(client, { kind: "deleted", ids: ["second"], tasks: [] });
    expect(titles(client)).toEqual(["renamed"]);
    expect(counts(client)).toEqual({ all: 1, pending: 1, completed: 0 });
  });

  it("does not undo a change that the server has not confirmed yet", () => {
    const client = loadedClient({ "": [[first]] });
    putTasks(client, [withStatus(first, "completed")]);
    applyEvent(client, { kind: "created", ids: ["first"], tasks: [first] });
    expect(counts(client)).toEqual({ all: 1, pending: 0, completed: 1 });
    applyEvent(client, { kind: "updated", ids: ["first"], tasks: [{ ...first, version: 2 }] });
    expect(counts(client)).toEqual({ all: 1, pending: 1, completed: 0 });
  });
});

describe("subscribeToEvents", () => {
  let client: QueryClient;
  let unsubscribe: () => void;
  const onSignedOut = vi.fn();

  beforeEach(() => {
    vi.useFakeTimers();
    vi.stubGlobal("EventSource", FakeEventSource);
    vi.mocked(auth.getMe).mockResolvedValue({ id: "1", email: "ada@example.com", created_at: "" });
    FakeEventSource.opened = [];
    client = loadedClient({ "": [[first]] });
    unsubscribe = subscribeToEvents(client, onSignedOut);
  });

  afterEach(() => {
    unsubscribe();
    vi.useRealTimers();
    vi.unstubAllGlobals();
    vi.resetAllMocks();
  });

  it("applies task events to the cache", () => {
    latest().emit("task", { kind: "created", ids: ["second"], tasks: [second] }, "7");
    expect(titles(client)).toEqual(["second", "first"]);
  });

  it("reconnects after an error, with growing delays, after the last event", async () => {
    latest().emit("hello", {}, "41");
    latest().emit("task", { kind: "created", ids: ["second"], tasks: [second] }, "42");
    latest().onerror?.();
    expect(latest().closed).toBe(true);
    await vi.advanceTimersByTimeAsync(1_000);
    expect(FakeEventSource.opened).toHaveLength(2);
    expect(latest().url).toBe("/api/events?last_event_id=42");

    vi.mocked(auth.getMe).mockRejectedValue(new Error("away"));
    latest().onerror?.();
    await vi.advanceTimersByTimeAsync(60_000);
    expect(FakeEventSource.opened).toHaveLength(2);
    expect(vi.mocked(auth.getMe).mock.calls.length).toBeLessThan(10);

    vi.mocked(auth.getMe).mockResolvedValue({ id: "1", email: "ada@example.com", created_at: "" });
    await vi.advanceTimersByTimeAsync(30_000);
    expect(FakeEventSource.opened).toHaveLength(3);
  });

  const isStale = (queryKey: readonly unknown[]) => client.getQueryState(queryKey)?.isInvalidated;

  it("fetches the lists again when too many events were missed", () => {
    latest().emit("resync", {}, "9");
    expect(isStale(taskKeys.list(filter("")))).toBe(true);
  });

  it("fetches only after running mutations", async () => {
    const finish = startMutation(client);
    latest().emit("hello", {}, "5");
    expect(isStale(taskKeys.list(filter("")))).toBe(false);
    await finish();
    expect(isStale(taskKeys.list(filter("")))).toBe(true);
  });

  it("counts a task once that was created between the fetch of a list and the hello", () => {
    latest().emit("hello", {}, "5");
    expect(isStale(taskKeys.list(filter("")))).toBe(true);
    expect(isStale(taskKeys.counts(""))).toBe(false);
  });

  it("goes to the sign-in when the session ended, and stays closed", async () => {
    latest().emit("bye", { reason: "signed_out" });
    expect(onSignedOut).toHaveBeenCalledOnce();
    await vi.advanceTimersByTimeAsync(60_000);
    expect(FakeEventSource.opened).toHaveLength(1);
  });

  it("reconnects after the server's shutdown", async () => {
    latest().emit("bye", { reason: "shutdown" });
    await vi.advanceTimersByTimeAsync(1_000);
    expect(FakeEventSource.opened).toHaveLength(2);
  });

  it("closes the stream while the page is hidden", async () => {
    latest().emit("hello", {}, "5");
    const hidden = vi.spyOn(document, "hidden", "get").mockReturnValue(true);
    document.dispatchEvent(new Event("visibilitychange"));
    expect(latest().closed).toBe(true);
    hidden.mockReturnValue(false);
    document.dispatchEvent(new Event("visibilitychange"));
    expect(latest().url).toBe("/api/events?last_event_id=5");
    expect(latest().closed).toBe(false);
  });
});
