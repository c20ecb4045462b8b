import { describe, expect, it } from "vitest";
import type { ChatEvent, ChatFailure, ChatMessage } from "@/lib/api/types";
import { applyEvent, type Thread, toThread, truncateThread } from "@/lib/chat/thread";
import { conversation, message, thread, tool, user } from "./builders";

const start = (message: ChatMessage): ChatEvent => ({
  type: "message_start",
  conversation_id: "conversation",
  turn: message.turn,
  title: "A talk",
  message,
});
const delta = (seq: number, text: string): ChatEvent => ({ type: "text_delta", seq, text });
const failure: ChatFailure = { code: "model_timeout", detail: "Too slow.", retryable: true };

/** Applies events with the ids 1, 2, 3, and so on. */
const applyAll = (first: Thread, ...events: ChatEvent[]) =>
  events.reduce((current, event, index) => applyEvent(current, event, String(index + 1)), first);
const summary = ({ messages }: Thread) => messages.map(({ role, text, status }) => [role, text, status]);

describe("applyEvent", () => {
  it("appends the deltas of an answer", () => {
    const result = applyAll(
      thread([]),
      start(user(1, "Hello")),
      start(message(2, { status: "streaming" })),
      delta(2, "Good "),
      delta(2, "day"),
    );
    expect(summary(result)).toEqual([
      ["user", "Hello", "done"],
      ["assistant", "Good day", "streaming"],
    ]);
    expect(result).toMatchObject({ working: true, position: "4", stale: false });
    const ended = applyEvent(result, { type: "message_end", turn: "turn", reason: "done" }, "5");
    expect(summary(ended)[1]).toEqual(["assistant", "Good day", "done"]);
    expect(ended).toMatchObject({ working: false, endReason: "done", position: "5" });
  });

  it("shows a running tool and then its result", () => {
    const running = applyAll(
      thread([user(1, "Done with milk")]),
      start(message(2, { status: "streaming", text: "One moment" })),
      { type: "tool_call", message: tool(3, { name: "complete_task" }, "running") },
    );
    expect(running.messages.map(({ status }) => status)).toEqual(["done", "done", "running"]);
    const result = { task: { id: "1", title: "Buy milk" } };
    const done = applyEvent(running, { type: "tool_result", message: tool(3, { name: "complete_task", result }) }, "3");
    expect(done.messages).toHaveLength(3);
    expect(done.messages[2]).toMatchObject({ status: "done", tool: { result } });
  });

  it("asks for confirmation", () => {
    const asking = applyAll(
      thread([user(1, "Delete all")]),
      { type: "tool_call", message: tool(2, { name: "delete_task" }, "awaiting") },
      { type: "message_end", turn: "turn", reason: "confirmation" },
    );
    expect(asking).toMatchObject({ working: false, endReason: "confirmation" });
    expect(asking.messages[1]?.status).toBe("awaiting");
  });

  it("marks an answer that was cancelled", () => {
    const stopped = applyAll(thread([user(1, "Go")]), start(message(2, { status: "streaming" })), delta(2, "Half"), {
      type: "message_end",
      turn: "turn",
      reason: "cancelled",
    });
    expect(summary(stopped)[1]).toEqual(["assistant", "Half", "cancelled"]);
  });

  it("keeps the text of an answer that failed", () => {
    const failed = applyAll(thread([user(1, "Go")]), start(message(2, { status: "streaming" })), delta(2, "Half"), {
      type: "error",
      turn: "turn",
      ...failure,
    });
    expect(summary(failed)[1]).toEqual(["assistant", "Half", "failed"]);
    expect(failed).toMatchObject({ working: false, failure });
    expect(applyAll(failed, start(user(3, "Again"))).failure).toBeNull();
  });

  it("keeps the thoughts of an answer apart from its text", () => {
    const thoughts: ChatEvent = { type: "reasoning", seq: 2, text: "A greeting." };
    const events = [start(message(2, { status: "streaming" })), thoughts, delta(2, "Hello")];
    const result = applyAll(thread([user(1, "Hi")]), ...events, ...events);
    expect(result.messages[1]).toMatchObject({ text: "Hello", reasoning: "A greeting." });
  });

  it("applies a delta only once", () => {
    const once = applyAll(thread([user(1, "Go")]), start(message(2, { status: "streaming" })), delta(2, "Half"));
    expect(applyEvent(once, delta(2, "Half"), "2").messages).toEqual(once.messages);
  });

  it("starts a text again when its first event arrives again", () => {
    const events = [start(message(2, { status: "streaming" })), delta(2, "One "), delta(2, "two")];
    const result = applyAll(thread([user(1, "Go")]), ...events, ...events);
    expect(summary(result)[1]).toEqual(["assistant", "One two", "streaming"]);
  });

  it("replaces a message and all later ones by a new one with its number", () => {
    const before = thread([user(1, "Hello"), message(2, { text: "Hi" }), user(3, "Bye")]);
    expect(summary(applyAll(before, start(user(1, "Good day"))))).toEqual([["user", "Good day", "done"]]);
  });

  it("notices a missing event", () => {
    expect(applyAll(thread([user(1, "Go")]), delta(2, "rest")).stale).toBe(true);
    const call: ChatEvent = { type: "tool_result", message: tool(3, {}) };
    expect(applyAll(thread([user(1, "Go")]), call)).toMatchObject({ stale: false, messages: [{ seq: 1 }, { seq: 3 }] });
  });

  it("ignores events of unknown types", () => {
    const before = thread([user(1, "Go")]);
    expect(applyEvent(before, { type: "of_the_future" } as unknown as ChatEvent, "7")).toEqual({
      ...before,
      position: "7",
    });
  });
});

describe("toThread", () => {
  it("restores a running turn, a confirmation and a failure after a reload", () => {
    expect(toThread(conversation([], { at_work: true, position: "9" }))).toMatchObject({
      working: true,
      position: "9",
    });
    expect(thread([tool(1, {}, "awaiting")]).endReason).toBe("confirmation");
    expect(thread([message(1, { status: "failed", error: failure })]).failure).toEqual(failure);
  });

  it("knows after a reload why the last turn ended", () => {
    for (const end_reason of ["length", "rounds", "repeated", "cancelled"] as const) {
      expect(thread([user(1, "Go"), message(2, { end_reason })]).endReason).toBe(end_reason);
    }
    expect(thread([message(1, { end_reason: "length" }), user(2, "Continue"), message(3)]).endReason).toBeNull();
  });
});

describe("truncateThread", () => {
  it("removes a message and all later ones", () => {
    const truncated = truncateThread(
      thread([user(1, "One"), message(2), user(3, "Two"), message(4, { error: failure })]),
      3,
    );
    expect(truncated.messages.map(({ seq }) => seq)).toEqual([1, 2]);
    expect(truncated.failure).toBeNull();
  });
});
