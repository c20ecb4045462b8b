// @vitest-environment jsdom
import { QueryClient } from "@tanstack/react-query";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import * as announcing from "@/lib/announce";
import * as api from "@/lib/api/chat";
import type { EventStream } from "@/lib/api/event-stream";
import { ApiError } from "@/lib/api/problem";
import type { ChatEvent } from "@/lib/api/types";
import { type Chat, createChat, isWorking } from "@/lib/chat/chat";
import { conversation, message, tool, user } from "./builders";

vi.mock("@/lib/api/chat", { spy: true });
vi.mock("@/lib/announce", { spy: true });

/** A stream that the test writes, as the server would. */
function fakeStream() {
  let controller: ReadableStreamDefaultController<Uint8Array<ArrayBuffer>>;
  const encode = (text: string) => new TextEncoder().encode(text) as Uint8Array<ArrayBuffer>;
  const stream: EventStream = new ReadableStream({
    start(opened) {
      controller = opened;
    },
  });
  return {
    stream,
    /** Byte by byte: what is cut anywhere must be read all the same. */
    tell(id: number, { type, ...data }: ChatEvent) {
      const bytes = encode(`:\n\nid: ${id}\nevent: ${type}\ndata: ${JSON.stringify(data)}\n\n`);
      for (const byte of bytes) controller.enqueue(new Uint8Array([byte]));
    },
    end: () => controller.close(),
    cut: () => controller.error(new TypeError("network error")),
  };
}

const started = (one: ReturnType<typeof message>): ChatEvent => ({
  type: "message_start",
  conversation_id: "conversation",
  turn: "turn",
  title: "A talk",
  message: one,
});
const delta = (seq: number, text: string): ChatEvent => ({ type: "text_delta", seq, text });
const done: ChatEvent = { type: "message_end", turn: "turn", reason: "done" };
const refusal = (status: number, code: string) => new ApiError({ status, code, detail: "No." });

let chat: Chat;
const texts = () => chat.getState().thread?.messages.map(({ text }) => text);
const settled = () => vi.waitFor(() => expect(isWorking(chat.getState())).toBe(false));

beforeEach(() => {
  sessionStorage.clear();
  chat = createChat(new QueryClient({ defaultOptions: { queries: { retry: false } } }));
});

afterEach(() => {
  // Ends what it still reads, which would ask the server of the next test.
  chat.startNew();
  vi.useRealTimers();
  vi.resetAllMocks();
});

/** Asked, and answered up to "Half". */
async function inMidAnswer() {
  const server = fakeStream();
  vi.mocked(api.startTurn).mockResolvedValue(server.stream);
  void chat.send("Hello");
  server.tell(1, started(user(1, "Hello")));
  server.tell(2, started(message(2, { status: "streaming" })));
  server.tell(3, delta(2, "Hälf"));
  await vi.waitFor(() => expect(texts()).toEqual(["Hello", "Hälf"]));
  return server;
}

describe("a turn", () => {
  it("shows the question at once and the answer as it comes", async () => {
    const server = fakeStream();
    vi.mocked(api.startTurn).mockResolvedValue(server.stream);
    void chat.send("Hello");
    expect(chat.getState().asked?.request).toEqual({ message: "Hello" });
    expect(isWorking(chat.getState())).toBe(true);
    server.tell(1, started(user(1, "Hello")));
    await vi.waitFor(() => expect(chat.getState()).toMatchObject({ asked: null, thread: { id: "conversation" } }));
    server.tell(2, started(message(2, { status: "streaming" })));
    server.tell(3, delta(2, "Good "));
    server.tell(4, delta(2, "day"));
    server.tell(5, done);
    await settled();
    expect(texts()).toEqual(["Hello", "Good day"]);
  });

  it("is told once, when it is over", async () => {
    const server = await inMidAnswer();
    expect(announcing.announce).not.toHaveBeenCalled();
    server.tell(4, done);
    await settled();
    expect(vi.mocked(announcing.announce).mock.calls).toEqual([["Hälf"]]);
  });

  it("is not begun while another is at work", async () => {
    await inMidAnswer();
    void chat.send("And now?");
    expect(api.startTurn).toHaveBeenCalledOnce();
  });

  it("goes on in its conversation", async () => {
    const server = await inMidAnswer();
    server.tell(4, done);
    await settled();
    void chat.send("Thanks");
    expect(vi.mocked(api.startTurn).mock.lastCall?.[0]).toEqual({ conversation_id: "conversation", message: "Thanks" });
  });
});

describe("a broken connection", () => {
  it.each(["end", "cut"] as const)("is made again from where it was (%s)", async (how) => {
    const server = await inMidAnswer();
    vi.useFakeTimers({ shouldAdvanceTime: true });
    const next = fakeStream();
    vi.mocked(api.resumeTurn).mockRejectedValueOnce(refusal(502, "unknown")).mockResolvedValueOnce(next.stream);
    server[how]();
    await vi.waitFor(() => expect(chat.getState().broken).toBe(true));
    await vi.advanceTimersByTimeAsync(5_000);
    expect(api.resumeTurn).toHaveBeenCalledTimes(2);
    expect(vi.mocked(api.resumeTurn).mock.lastCall?.slice(0, 2)).toEqual(["conversation", "3"]);
    next.tell(3, delta(2, "Hälf"));
    next.tell(4, delta(2, " and half"));
    next.tell(5, done);
    await settled();
    expect(texts()).toEqual(["Hello", "Hälf and half"]);
    expect(chat.getState().broken).toBe(false);
  });

  it("that comes back after the end shows how it ended", async () => {
    const server = await inMidAnswer();
    vi.useFakeTimers({ shouldAdvanceTime: true });
    vi.mocked(api.resumeTurn).mockResolvedValue(undefined);
    vi.mocked(api.getConversation).mockResolvedValue(conversation([user(1, "Hello"), message(2, { text: "Whole" })]));
    server.cut();
    await vi.advanceTimersByTimeAsync(2_000);
    await settled();
    expect(texts()).toEqual(["Hello", "Whole"]);
  });

  it("before the first event can be tried again", async () => {
    const server = fakeStream();
    vi.mocked(api.startTurn).mockResolvedValueOnce(server.stream);
    vi.useFakeTimers({ shouldAdvanceTime: true });
    void chat.send("Hello");
    server.cut();
    await vi.advanceTimersByTimeAsync(2_000);
    await vi.waitFor(() => expect(chat.getState().asked?.refusal).toMatchObject({ status: 0 }));
    void chat.askAgain();
    expect(api.startTurn).toHaveBeenCalledTimes(2);
  });
});

describe("missing events", () => {
  it("are fetched with the whole conversation", async () => {
    const server = await inMidAnswer();
    vi.useFakeTimers({ shouldAdvanceTime: true });
    const next = fakeStream();
    const known = [user(1, "Hello"), message(2, { text: "Half" }), message(3, { text: "More", status: "streaming" })];
    vi.mocked(api.getConversation).mockResolvedValue(conversation(known, { at_work: true, position: "9" }));
    vi.mocked(api.resumeTurn).mockResolvedValue(next.stream);
    server.tell(9, delta(3, "re"));
    await vi.advanceTimersByTimeAsync(2_000);
    expect(vi.mocked(api.resumeTurn).mock.lastCall?.slice(0, 2)).toEqual(["conversation", "9"]);
    next.tell(10, delta(3, " and more"));
    next.tell(11, done);
    await settled();
    expect(texts()).toEqual(["Hello", "Half", "More and more"]);
  });

  it("that are no longer kept are fetched with the whole conversation, too", async () => {
    const server = await inMidAnswer();
    vi.useFakeTimers({ shouldAdvanceTime: true });
    vi.mocked(api.resumeTurn).mockRejectedValue(refusal(410, "events_gone"));
    vi.mocked(api.getConversation).mockResolvedValue(conversation([user(1, "Hello"), message(2, { text: "Whole" })]));
    server.cut();
    await vi.advanceTimersByTimeAsync(2_000);
    await settled();
    expect(texts()).toEqual(["Hello", "Whole"]);
  });
});

describe("a reload in mid answer", () => {
  it("goes on where the server is", async () => {
    const server = fakeStream();
    const known = [user(1, "Hello"), message(2, { text: "Half", status: "streaming" })];
    vi.mocked(api.getConversation).mockResolvedValue(conversation(known, { at_work: true, position: "3" }));
    vi.mocked(api.resumeTurn).mockResolvedValue(server.stream);
    void chat.open("conversation");
    await vi.waitFor(() => expect(texts()).toEqual(["Hello", "Half"]));
    server.tell(4, delta(2, " and half"));
    server.tell(5, done);
    await settled();
    expect(texts()).toEqual(["Hello", "Half and half"]);
    expect(vi.mocked(api.resumeTurn).mock.lastCall?.slice(0, 2)).toEqual(["conversation", "3"]);
  });

  it("of a conversation that is gone begins a new one", async () => {
    vi.mocked(api.getConversation).mockRejectedValue(refusal(404, "not_found"));
    await chat.open("conversation");
    expect(chat.getState()).toMatchObject({ thread: null, opening: null });
    expect(sessionStorage).toHaveLength(0);
  });
});

describe("what the server refuses", () => {
  it("is kept, and can be tried again or taken back", async () => {
    vi.mocked(api.startTurn).mockRejectedValue(refusal(429, "too_many_turns"));
    await chat.send("Hello");
    expect(chat.getState().asked).toMatchObject({ request: { message: "Hello" }, refusal: { status: 429 } });
    await chat.askAgain();
    expect(api.startTurn).toHaveBeenCalledTimes(2);
    expect(chat.takeBack()).toBe("Hello");
    expect(chat.getState().asked).toBeNull();
  });
});

describe("stopping", () => {
  it("asks the server once", async () => {
    vi.mocked(api.cancelTurn).mockResolvedValue(undefined as never);
    const server = await inMidAnswer();
    chat.stop();
    chat.stop();
    expect(vi.mocked(api.cancelTurn).mock.calls).toEqual([["conversation"]]);
    server.tell(4, { type: "message_end", turn: "turn", reason: "cancelled" });
    await settled();
    expect(chat.getState()).toMatchObject({ stopping: false, thread: { ended: "cancelled" } });
  });

  it("waits until the server knows the turn", async () => {
    vi.mocked(api.cancelTurn).mockResolvedValue(undefined as never);
    const server = fakeStream();
    vi.mocked(api.startTurn).mockResolvedValue(server.stream);
    void chat.send("Hello");
    chat.stop();
    expect(api.cancelTurn).not.toHaveBeenCalled();
    server.tell(1, started(user(1, "Hello")));
    await vi.waitFor(() => expect(api.cancelTurn).toHaveBeenCalledWith("conversation"));
  });
});

describe("other ways on", () => {
  it("sends an edited message in place of the old one and all that followed", async () => {
    vi.mocked(api.getConversation).mockResolvedValue(conversation([user(1, "One"), message(2), user(3, "Two")]));
    vi.mocked(api.startTurn).mockResolvedValue(fakeStream().stream);
    await chat.open("conversation");
    void chat.resend(1, "Other");
    expect(texts()).toEqual([]);
    expect(vi.mocked(api.startTurn).mock.lastCall?.[0]).toEqual({
      conversation_id: "conversation",
      message: "Other",
      replace_from: 1,
    });
  });

  it("lets waiting calls run", async () => {
    const waiting = tool(2, { name: "delete_task" }, "awaiting");
    vi.mocked(api.getConversation).mockResolvedValue(conversation([user(1, "Delete"), waiting]));
    vi.mocked(api.startTurn).mockResolvedValue(fakeStream().stream);
    await chat.open("conversation");
    void chat.confirm(true);
    expect(vi.mocked(api.startTurn).mock.lastCall?.[0]).toEqual({ conversation_id: "conversation", confirm: true });
  });
});
