import { describe, expect, it } from "vitest";
import type { ChatEvent, ChatFailure, ChatMessage } from "@/lib/api/types";
import { applyEvent, cutFrom, type Thread, threadOf } from "@/lib/chat/thread";
import { conversation, message, thread, tool, user } from "./builders";

const start = (one: ChatMessage): ChatEvent => ({
  type: "message_start",
  conversation_id: "conversation",
  turn: one.turn,
  title: "A talk",
  message: one,
});
const delta = (seq: number, text: string): ChatEvent => ({ type: "text_delta", seq, text });
const failure: ChatFailure = { code: "model_timeout", detail: "Too slow.", retryable: true };

/** Events numbered from 1 on. */
const applied = (first: Thread, ...events: ChatEvent[]) =>
  events.reduce((current, event, index) => applyEvent(current, event, String(index + 1)), first);
const said = ({ messages }: Thread) => messages.map(({ role, text, status }) => [role, text, status]);

describe("applyEvent", () => {
  it("writes an answer piece by piece", () => {
    const result = applied(
      thread([]),
      start(user(1, "Hello")),
      start(message(2, { status: "streaming" })),
      delta(2, "Good "),
      delta(2, "day"),
    );
    expect(said(result)).toEqual([
      ["user", "Hello", "done"],
      ["assistant", "Good day", "streaming"],
    ]);
    expect(result).toMatchObject({ working: true, position: "4", torn: false });
    const ended = applyEvent(result, { type: "message_end", turn: "turn", reason: "done" }, "5");
    expect(said(ended)[1]).toEqual(["assistant", "Good day", "done"]);
    expect(ended).toMatchObject({ working: false, ended: "done", position: "5" });
  });

  it("shows a tool at work, then how it went", () => {
    const running = applied(
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
    const asking = applied(
      thread([user(1, "Delete all")]),
      { type: "tool_call", message: tool(2, { name: "delete_task" }, "awaiting") },
      { type: "message_end", turn: "turn", reason: "confirmation" },
    );
    expect(asking).toMatchObject({ working: false, ended: "confirmation" });
    expect(asking.messages[1]?.status).toBe("awaiting");
  });

  it("marks what was stopped", () => {
    const stopped = applied(thread([user(1, "Go")]), start(message(2, { status: "streaming" })), delta(2, "Half"), {
      type: "message_end",
      turn: "turn",
      reason: "cancelled",
    });
    expect(said(stopped)[1]).toEqual(["assistant", "Half", "cancelled"]);
  });

  it("keeps the text of an answer that failed", () => {
    const failed = applied(thread([user(1, "Go")]), start(message(2, { status: "streaming" })), delta(2, "Half"), {
      type: "error",
      turn: "turn",
      ...failure,
    });
    expect(said(failed)[1]).toEqual(["assistant", "Half", "failed"]);
    expect(failed).toMatchObject({ working: false, failure });
    expect(applied(failed, start(user(3, "Again"))).failure).toBeNull();
  });

  it("takes no piece of text twice", () => {
    const once = applied(thread([user(1, "Go")]), start(message(2, { status: "streaming" })), delta(2, "Half"));
    expect(applyEvent(once, delta(2, "Half"), "2").messages).toEqual(once.messages);
  });

  it("begins a text anew when it is told from its beginning", () => {
    const events = [start(message(2, { status: "streaming" })), delta(2, "One "), delta(2, "two")];
    const result = applied(thread([user(1, "Go")]), ...events, ...events);
    expect(said(result)[1]).toEqual(["assistant", "One two", "streaming"]);
  });

  it("replaces a message and all after it by another with its number", () => {
    const before = thread([user(1, "Hello"), message(2, { text: "Hi" }), user(3, "Bye")]);
    expect(said(applied(before, start(user(1, "Good day"))))).toEqual([["user", "Good day", "done"]]);
  });

  it("notices that something is missing", () => {
    expect(applied(thread([user(1, "Go")]), delta(2, "rest")).torn).toBe(true);
    const call: ChatEvent = { type: "tool_result", message: tool(3, {}) };
    expect(applied(thread([user(1, "Go")]), call)).toMatchObject({ torn: false, messages: [{ seq: 1 }, { seq: 3 }] });
  });

  it("passes over events that it does not know", () => {
    const before = thread([user(1, "Go")]);
    expect(applyEvent(before, { type: "of_the_future" } as unknown as ChatEvent, "7")).toEqual({
      ...before,
      position: "7",
    });
  });
});

describe("threadOf", () => {
  it("knows what a reload interrupted", () => {
    expect(threadOf(conversation([], { at_work: true, position: "9" }))).toMatchObject({
      working: true,
      position: "9",
    });
    expect(thread([tool(1, {}, "awaiting")]).ended).toBe("confirmation");
    expect(thread([message(1, { status: "failed", error: failure })]).failure).toEqual(failure);
  });
});

describe("cutFrom", () => {
  it("drops a message and what followed", () => {
    const cut = cutFrom(thread([user(1, "One"), message(2), user(3, "Two"), message(4, { error: failure })]), 3);
    expect(cut.messages.map(({ seq }) => seq)).toEqual([1, 2]);
    expect(cut.failure).toBeNull();
  });
});
