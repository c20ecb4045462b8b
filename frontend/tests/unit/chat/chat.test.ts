// @vitest-environment jsdom
import { QueryClient } from "@tanstack/react-query";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import * as announcer from "@/lib/announce";
import * as api from "@/lib/api/chat";
import type { EventStream } from "@/lib/api/event-stream";
import { ApiError } from "@/lib/api/problem";
import type { ChatEvent, ChatMessage } from "@/lib/api/types";
import { type Chat, createChat, isWorking } from "@/lib/chat/chat";
import { conversation, message, tool, user } from "./builders";

vi.mock("@/lib/api/chat", { spy: true });
vi.mock("@/lib/announce", { spy: true });

/** A stream whose events the test sends in place of the server. */
function createFakeStream() {
  let controller: ReadableStreamDefaultController<Uint8Array<ArrayBuffer>>;
  const encode = (text: string) => new TextEncoder().encode(text) as Uint8Array<ArrayBuffer>;
  const stream: EventStream = new ReadableStream({
    start(opened) {
      controller = opened;
    },
  });
  return {
    stream,
    /** Sends an event byte by byte, since a chunk may end anywhere. */
    send(id: number, { type, ...data }: ChatEvent) {
      const bytes = encode(`:\n\nid: ${id}\nevent: ${type}\ndata: ${JSON.stringify(data)}\n\n`);
      for (const byte of bytes) controller.enqueue(new Uint8Array([byte]));
    },
    end: () => controller.close(),
    cut: () => controller.error(new TypeError("network error")),
  };
}

const started = (message: ChatMessage): ChatEvent => ({
  type: "message_start",
  conversation_id: "conversation",
  turn: "turn",
  title: "A talk",
  message,
});
const delta = (seq: number, text: string): ChatEvent => ({ type: "text_delta", seq, text });
const done: ChatEvent = { type: "message_end", turn: "turn", reason: "done" };
const apiError = (status: number, code: string) => new ApiError({ status, code, detail: "No." });

/** Where the user is. */
const ZONE = "Asia/Tokyo";

let chat: Chat;
const state = () => chat.store.getState();
const texts = () => state().thread?.messages.map(({ text }) => text);
const turnEnds = () => vi.waitFor(() => expect(isWorking(state())).toBe(false));

beforeEach(() => {
  sessionStorage.clear();
  vi.stubEnv("TZ", ZONE);
  chat = createChat(new QueryClient({ defaultOptions: { queries: { retry: false } } }));
});

afterEach(() => {
  // Stops a read that still runs, so that it sends no request in the next test.
  chat.startNew();
  vi.useRealTimers();
  vi.unstubAllEnvs();
  vi.resetAllMocks();
});

/** Sends a message and receives the first part of the answer. */
async function startAnswer() {
  const server = createFakeStream();
  vi.mocked(api.startTurn).mockResolvedValue(server.stream);
  void chat.send("Hello");
  server.send(1, started(user(1, "Hello")));
  server.send(2, started(message(2, { status: "streaming" })));
  server.send(3, delta(2, "Hälf"));
  await vi.waitFor(() => expect(texts()).toEqual(["Hello", "Hälf"]));
  return server;
}

describe("a turn", () => {
  it("shows the question at once and the answer as it comes", async () => {
    const server = createFakeStream();
    vi.mocked(api.startTurn).mockResolvedValue(server.stream);
    void chat.send("Hello");
    expect(state().pending?.request).toEqual({ message: "Hello", time_zone: ZONE });
    expect(isWorking(state())).toBe(true);
    server.send(1, started(user(1, "Hello")));
    await vi.waitFor(() => expect(state()).toMatchObject({ pending: null, thread: { id: "conversation" } }));
    server.send(2, started(message(2, { status: "streaming" })));
    server.send(3, delta(2, "Good "));
    server.send(4, delta(2, "day"));
    server.send(5, done);
    await turnEnds();
    expect(texts()).toEqual(["Hello", "Good day"]);
  });

  it("is announced once, at its end", async () => {
    const server = await startAnswer();
    expect(announcer.announce).not.toHaveBeenCalled();
    server.send(4, done);
    await turnEnds();
    expect(vi.mocked(announcer.announce).mock.calls).toEqual([["Hälf"]]);
  });

  it("does not start while another one is running", async () => {
    await startAnswer();
    void chat.send("And now?");
    expect(api.startTurn).toHaveBeenCalledOnce();
  });

  it("continues the conversation", async () => {
    const server = await startAnswer();
    server.send(4, done);
    await turnEnds();
    void chat.send("Thanks");
    expect(vi.mocked(api.startTurn).mock.lastCall?.[0]).toEqual({
      conversation_id: "conversation",
      message: "Thanks",
      time_zone: ZONE,
    });
  });
});

describe("a turn that failed", () => {
  it("goes on from what it has done", async () => {
    const server = await startAnswer();
    const added = tool(2, { name: "add_task" });
    server.send(4, { type: "error", turn: "turn", code: "model_unavailable", detail: "Gone.", retryable: true });
    await turnEnds();
    vi.mocked(api.getConversation).mockResolvedValue(
      conversation([user(1, "Hello"), added, message(3, { text: "Half", status: "failed" })]),
    );
    await chat.open("conversation");
    const next = createFakeStream();
    vi.mocked(api.startTurn).mockResolvedValue(next.stream);
    void chat.tryAgain();
    expect(vi.mocked(api.startTurn).mock.lastCall?.[0]).toEqual({ conversation_id: "conversation", retry: true });
    expect(state().thread?.messages.map(({ seq }) => seq)).toEqual([1, 2]);
    next.send(5, started(message(3, { status: "streaming" })));
    next.send(6, delta(3, "Whole"));
    next.send(7, done);
    await turnEnds();
    expect(texts()).toEqual(["Hello", "", "Whole"]);
  });
});

describe("a connection that breaks", () => {
  it.each(["end", "cut"] as const)("is resumed after the last event (%s)", async (how) => {
    const server = await startAnswer();
    vi.useFakeTimers({ shouldAdvanceTime: true });
    const next = createFakeStream();
    vi.mocked(api.resumeTurn).mockRejectedValueOnce(apiError(502, "unknown")).mockResolvedValueOnce(next.stream);
    server[how]();
    await vi.waitFor(() => expect(state().reconnecting).toBe(true));
    await vi.advanceTimersByTimeAsync(5_000);
    expect(api.resumeTurn).toHaveBeenCalledTimes(2);
    expect(vi.mocked(api.resumeTurn).mock.lastCall?.slice(0, 2)).toEqual(["conversation", "3"]);
    next.send(3, delta(2, "Hälf"));
    next.send(4, delta(2, " and half"));
    next.send(5, done);
    await turnEnds();
    expect(texts()).toEqual(["Hello", "Hälf and half"]);
    expect(state().reconnecting).toBe(false);
  });

  it("shows the end of the turn when it is resumed after that", async () => {
    const server = await startAnswer();
    vi.useFakeTimers({ shouldAdvanceTime: true });
    vi.mocked(api.resumeTurn).mockResolvedValue(undefined);
    vi.mocked(api.getConversation).mockResolvedValue(conversation([user(1, "Hello"), message(2, { text: "Whole" })]));
    server.cut();
    await vi.advanceTimersByTimeAsync(2_000);
    await turnEnds();
    expect(texts()).toEqual(["Hello", "Whole"]);
  });

  it("can be retried when it breaks before the first event", async () => {
    const server = createFakeStream();
    vi.mocked(api.startTurn).mockResolvedValueOnce(server.stream);
    vi.useFakeTimers({ shouldAdvanceTime: true });
    void chat.send("Hello");
    server.cut();
    await vi.advanceTimersByTimeAsync(2_000);
    await vi.waitFor(() => expect(state().pending?.error).toMatchObject({ status: 0 }));
    void chat.retry();
    expect(api.startTurn).toHaveBeenCalledTimes(2);
    // The server may have received the first request, and does the same one only once.
    const [first, second] = vi.mocked(api.startTurn).mock.calls;
    expect(second?.slice(0, 2)).toEqual(first?.slice(0, 2));
  });
});

describe("missing events", () => {
  it("cause a fetch of the whole conversation", async () => {
    const server = await startAnswer();
    vi.useFakeTimers({ shouldAdvanceTime: true });
    const next = createFakeStream();
    const messages = [
      user(1, "Hello"),
      message(2, { text: "Half" }),
      message(3, { text: "More", status: "streaming" }),
    ];
    vi.mocked(api.getConversation).mockResolvedValue(conversation(messages, { at_work: true, position: "9" }));
    vi.mocked(api.resumeTurn).mockResolvedValue(next.stream);
    server.send(9, delta(3, "re"));
    await vi.advanceTimersByTimeAsync(2_000);
    expect(vi.mocked(api.resumeTurn).mock.lastCall?.slice(0, 2)).toEqual(["conversation", "9"]);
    next.send(10, delta(3, " and more"));
    next.send(11, done);
    await turnEnds();
    expect(texts()).toEqual(["Hello", "Half", "More and more"]);
  });

  it("cause it also when the server no longer has them", async () => {
    const server = await startAnswer();
    vi.useFakeTimers({ shouldAdvanceTime: true });
    vi.mocked(api.resumeTurn).mockRejectedValue(apiError(410, "events_gone"));
    vi.mocked(api.getConversation).mockResolvedValue(conversation([user(1, "Hello"), message(2, { text: "Whole" })]));
    server.cut();
    await vi.advanceTimersByTimeAsync(2_000);
    await turnEnds();
    expect(texts()).toEqual(["Hello", "Whole"]);
  });
});

describe("a reload during an answer", () => {
  it("resumes the running turn", async () => {
    const server = createFakeStream();
    const messages = [user(1, "Hello"), message(2, { text: "Half", status: "streaming" })];
    vi.mocked(api.getConversation).mockResolvedValue(conversation(messages, { at_work: true, position: "3" }));
    vi.mocked(api.resumeTurn).mockResolvedValue(server.stream);
    void chat.open("conversation");
    await vi.waitFor(() => expect(texts()).toEqual(["Hello", "Half"]));
    server.send(4, delta(2, " and half"));
    server.send(5, done);
    await turnEnds();
    expect(texts()).toEqual(["Hello", "Half and half"]);
    expect(vi.mocked(api.resumeTurn).mock.lastCall?.slice(0, 2)).toEqual(["conversation", "3"]);
  });

  it("starts a new conversation if the old one was deleted", async () => {
    vi.mocked(api.getConversation).mockRejectedValue(apiError(404, "not_found"));
    await chat.open("conversation");
    expect(state()).toMatchObject({ thread: null, loading: null });
    expect(sessionStorage).toHaveLength(0);
  });
});

describe("a request that the server refuses", () => {
  it("is kept, and can be retried or discarded", async () => {
    vi.mocked(api.startTurn).mockRejectedValue(apiError(429, "too_many_turns"));
    await chat.send("Hello");
    expect(state().pending).toMatchObject({ request: { message: "Hello" }, error: { status: 429 } });
    await chat.retry();
    expect(api.startTurn).toHaveBeenCalledTimes(2);
    expect(chat.discardPending()).toBe("Hello");
    expect(state().pending).toBeNull();
  });
});

describe("stopping", () => {
  it("sends one request", async () => {
    vi.mocked(api.cancelTurn).mockResolvedValue(undefined as never);
    const server = await startAnswer();
    chat.stop();
    chat.stop();
    expect(vi.mocked(api.cancelTurn).mock.calls).toEqual([["conversation"]]);
    server.send(4, { type: "message_end", turn: "turn", reason: "cancelled" });
    await turnEnds();
    expect(state()).toMatchObject({ stopping: false, thread: { endReason: "cancelled" } });
  });

  it("waits until the server knows the turn", async () => {
    vi.mocked(api.cancelTurn).mockResolvedValue(undefined as never);
    const server = createFakeStream();
    vi.mocked(api.startTurn).mockResolvedValue(server.stream);
    void chat.send("Hello");
    chat.stop();
    expect(api.cancelTurn).not.toHaveBeenCalled();
    server.send(1, started(user(1, "Hello")));
    await vi.waitFor(() => expect(api.cancelTurn).toHaveBeenCalledWith("conversation"));
  });
});

describe("resending and confirming", () => {
  it("replaces a message and all later ones by the edited message", async () => {
    vi.mocked(api.getConversation).mockResolvedValue(conversation([user(1, "One"), message(2), user(3, "Two")]));
    vi.mocked(api.startTurn).mockResolvedValue(createFakeStream().stream);
    await chat.open("conversation");
    void chat.resend(1, "Other");
    expect(texts()).toEqual([]);
    expect(vi.mocked(api.startTurn).mock.lastCall?.[0]).toEqual({
      conversation_id: "conversation",
      message: "Other",
      time_zone: ZONE,
      replace_from: 1,
    });
  });

  it("confirms the calls that await it", async () => {
    const target = { id: "task", title: "Buy milk", version: 3 };
    const awaiting = tool(2, { id: "call", name: "delete_task", target }, "awaiting");
    const finished = tool(3, { name: "delete_task", target }, "done");
    const untargeted = tool(4, { id: "add", name: "add_task", arguments: { title: "Sell milk" } }, "awaiting");
    vi.mocked(api.getConversation).mockResolvedValue(conversation([user(1, "Delete"), awaiting, finished, untargeted]));
    vi.mocked(api.startTurn).mockResolvedValue(createFakeStream().stream);
    await chat.open("conversation");
    void chat.confirm(true);
    expect(vi.mocked(api.startTurn).mock.lastCall?.[0]).toEqual({
      conversation_id: "conversation",
      confirm: true,
      calls: [{ id: "call", task_id: "task", version: 3 }, { id: "add" }],
    });
  });
});
