// @vitest-environment jsdom
import type { QueryClient } from "@tanstack/react-query";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import * as auth from "@/lib/api/auth";
import type { Task } from "@/lib/api/types";
import { putTasks, withStatus } from "@/lib/tasks/cache";
import { applyEvent, followEvents } from "@/lib/tasks/events";
import { taskKeys } from "@/lib/tasks/keys";
import { counts, filter, inOrder, loaded, titles } from "./builders";

vi.mock("@/lib/api/auth", { spy: true });

const [first, second] = inOrder("first", "second") as [Task, Task];

class FakeSource extends EventTarget {
  static opened: FakeSource[] = [];
  closed = false;
  onerror: (() => void) | null = null;
  constructor(readonly url: string) {
    super();
    FakeSource.opened.push(this);
  }
  close() {
    this.closed = true;
  }
  tell(name: string, data: object, lastEventId = "") {
    this.dispatchEvent(new MessageEvent(name, { data: JSON.stringify(data), lastEventId }));
  }
}

const latest = () => FakeSource.opened.at(-1) as FakeSource;

describe("applyEvent", () => {
  it("shows what was created, changed and deleted elsewhere", () => {
    const client = loaded({ "": [[first]] });
    applyEvent(client, { kind: "created", ids: ["second"], tasks: [second] });
    expect(titles(client)).toEqual(["second", "first"]);
    applyEvent(client, { kind: "updated", ids: ["first"], tasks: [{ ...first, title: "renamed", version: 2 }] });
    expect(titles(client)).toEqual(["second", "renamed"]);
    applyEvent(client, { kind: "deleted", ids: ["second"], tasks: [] });
    expect(titles(client)).toEqual(["renamed"]);
    expect(counts(client)).toEqual({ all: 1, pending: 1, completed: 0 });
  });

  it("does not take back a change that the server has not confirmed yet", () => {
    const client = loaded({ "": [[first]] });
    putTasks(client, [withStatus(first, "completed")]);
    applyEvent(client, { kind: "created", ids: ["first"], tasks: [first] });
    expect(counts(client)).toEqual({ all: 1, pending: 0, completed: 1 });
    applyEvent(client, { kind: "updated", ids: ["first"], tasks: [{ ...first, version: 2 }] });
    expect(counts(client)).toEqual({ all: 1, pending: 1, completed: 0 });
  });
});

describe("followEvents", () => {
  let client: QueryClient;
  let stop: () => void;
  const onSignedOut = vi.fn();

  beforeEach(() => {
    vi.useFakeTimers();
    vi.stubGlobal("EventSource", FakeSource);
    vi.mocked(auth.getMe).mockResolvedValue({ id: "1", email: "ada@example.com", created_at: "" });
    FakeSource.opened = [];
    client = loaded({ "": [[first]] });
    stop = followEvents(client, onSignedOut);
  });

  afterEach(() => {
    stop();
    vi.useRealTimers();
    vi.unstubAllGlobals();
    vi.resetAllMocks();
  });

  it("applies task events to the cache", () => {
    latest().tell("task", { kind: "created", ids: ["second"], tasks: [second] }, "7");
    expect(titles(client)).toEqual(["second", "first"]);
  });

  it("reconnects after an error, later each time, from where it was", async () => {
    latest().tell("hello", {}, "41");
    latest().tell("task", { kind: "created", ids: ["second"], tasks: [second] }, "42");
    latest().onerror?.();
    expect(latest().closed).toBe(true);
    await vi.advanceTimersByTimeAsync(1_000);
    expect(FakeSource.opened).toHaveLength(2);
    expect(latest().url).toBe("/api/events?last_event_id=42");

    vi.mocked(auth.getMe).mockRejectedValue(new Error("away"));
    latest().onerror?.();
    await vi.advanceTimersByTimeAsync(60_000);
    expect(FakeSource.opened).toHaveLength(2);
    expect(vi.mocked(auth.getMe).mock.calls.length).toBeLessThan(10);

    vi.mocked(auth.getMe).mockResolvedValue({ id: "1", email: "ada@example.com", created_at: "" });
    await vi.advanceTimersByTimeAsync(30_000);
    expect(FakeSource.opened).toHaveLength(3);
  });

  const isStale = (queryKey: readonly unknown[]) => client.getQueryState(queryKey)?.isInvalidated;

  it("fetches anew when too much was missed", () => {
    latest().tell("resync", {}, "9");
    expect(isStale(taskKeys.list(filter("")))).toBe(true);
  });

  it("fetches nothing that the server has not been told yet", async () => {
    let letGo = () => {};
    const held = new Promise<void>((resolve) => (letGo = resolve));
    const change = client
      .getMutationCache()
      .build(client, { mutationFn: () => held })
      .execute(undefined);
    latest().tell("hello", {}, "5");
    expect(isStale(taskKeys.list(filter("")))).toBe(false);
    letGo();
    await change;
    expect(isStale(taskKeys.list(filter("")))).toBe(true);
  });

  it("counts what was created between list and hello once", () => {
    latest().tell("hello", {}, "5");
    expect(isStale(taskKeys.list(filter("")))).toBe(true);
    expect(isStale(taskKeys.counts(""))).toBe(false);
  });

  it("goes to the sign-in when the session ended, and stays closed", async () => {
    latest().tell("bye", { reason: "signed_out" });
    expect(onSignedOut).toHaveBeenCalledOnce();
    await vi.advanceTimersByTimeAsync(60_000);
    expect(FakeSource.opened).toHaveLength(1);
  });

  it("comes back after the server's shutdown", async () => {
    latest().tell("bye", { reason: "shutdown" });
    await vi.advanceTimersByTimeAsync(1_000);
    expect(FakeSource.opened).toHaveLength(2);
  });

  it("rests while the page is hidden", async () => {
    latest().tell("hello", {}, "5");
    const hidden = vi.spyOn(document, "hidden", "get").mockReturnValue(true);
    document.dispatchEvent(new Event("visibilitychange"));
    expect(latest().closed).toBe(true);
    hidden.mockReturnValue(false);
    document.dispatchEvent(new Event("visibilitychange"));
    expect(latest().url).toBe("/api/events?last_event_id=5");
    expect(latest().closed).toBe(false);
  });
});
