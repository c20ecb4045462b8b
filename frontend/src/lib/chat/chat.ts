import type { QueryClient } from "@tanstack/react-query";
import { announce } from "@/lib/announce";
import { cancelTurn, startTurn } from "@/lib/api/chat";
import type { EventStream, NumberedEvent } from "@/lib/api/event-stream";
import { ApiError } from "@/lib/api/problem";
import type { ChatRequest } from "@/lib/api/types";
import { goToSignIn } from "@/lib/navigation";
import { follow } from "./follow";
import { chatKeys, conversationQuery } from "./queries";
import { remembered } from "./remembered";
import { spoken } from "./spoken";
import { applyEvent, cutFrom, type Thread, threadOf } from "./thread";

export type ChatState = {
  /** Null in a new conversation. */
  thread: Thread | null;
  /** The conversation that is being fetched, and why that failed. */
  opening: { id: string; error: unknown } | null;
  /** What was asked for and is not in the thread yet, and why the server refused it. */
  asked: { request: ChatRequest; refusal: ApiError | Error | null } | null;
  stopping: boolean;
  /** The connection broke in mid answer; it is being made again. */
  broken: boolean;
};

const EMPTY: ChatState = { thread: null, opening: null, asked: null, stopping: false, broken: false };

/** The open conversation: what a person can do to it, and what comes in from the server. */
export function createChat(client: QueryClient) {
  let state = EMPTY;
  let reading = new AbortController();
  const listeners = new Set<() => void>();

  function set(change: Partial<ChatState>) {
    state = { ...state, ...change };
    for (const listener of listeners) listener();
  }

  /** Ends the reading of the conversation before. Its turn goes on at the server. */
  function takeOver() {
    reading.abort();
    reading = new AbortController();
    return reading.signal;
  }

  function startNew() {
    takeOver();
    remembered.set(null);
    set(EMPTY);
  }

  async function open(id: string) {
    const signal = takeOver();
    remembered.set(id);
    set({ ...EMPTY, opening: { id, error: null } });
    try {
      const thread = threadOf(await client.fetchQuery(conversationQuery(id)));
      if (signal.aborted) return;
      set({ thread, opening: null });
    } catch (error) {
      if (signal.aborted) return;
      if (error instanceof ApiError && error.status === 404) return startNew();
      return set({ opening: { id, error } });
    }
    if (state.thread?.working) await read(null, signal);
  }

  async function ask(request: ChatRequest) {
    if (isWorking(state)) return;
    const signal = takeOver();
    set({ asked: { request, refusal: null }, broken: false });
    try {
      await read(await startTurn(request, signal), signal);
    } catch (error) {
      if (!signal.aborted) refuse(request, error);
    }
  }

  function refuse(request: ChatRequest, error: unknown) {
    if (error instanceof ApiError && error.code === "unauthorized") return goToSignIn();
    if (error instanceof ApiError && error.code === "chat_not_configured") {
      client.invalidateQueries({ queryKey: chatKeys.info });
    }
    const refusal = error instanceof Error ? error : new Error(String(error));
    set({ asked: { request, refusal }, stopping: false, broken: false });
  }

  async function read(stream: EventStream | null, signal: AbortSignal) {
    const position = () => state.thread && { id: state.thread.id, after: state.thread.position };
    try {
      await follow(stream, { position, receive, refresh, onBreak: (broken) => set({ broken }) }, signal);
    } catch (error) {
      if (signal.aborted) return;
      if (!state.thread?.working) throw error;
      // Refused in mid answer: fetching the conversation anew tells what became of it, or says why that fails.
      await open(state.thread.id);
    }
  }

  function receive({ id, event }: NumberedEvent) {
    if (event.type === "message_start" && event.conversation_id !== state.thread?.id) {
      begin(event.conversation_id, event.title);
    }
    if (!state.thread) return "torn";
    const thread = applyEvent(state.thread, event, id);
    // Before this, the server could not have known what to stop.
    if (state.asked && state.stopping) void cancel(thread.id);
    set({ thread, asked: null });
    if (thread.torn) return "torn";
    if (thread.working) return "more";
    finish(thread);
    return "over";
  }

  function begin(id: string, title: string) {
    remembered.set(id);
    const thread = { id, title, messages: [], position: "", working: true, ended: null, failure: null, seen: [] };
    set({ thread: { ...thread, torn: false } });
    client.invalidateQueries({ queryKey: chatKeys.lists });
  }

  function finish(thread: Thread) {
    set({ asked: null, stopping: false, broken: false });
    client.invalidateQueries({ queryKey: chatKeys.lists });
    // A failure is an alert on the page, which is told by itself.
    if (!thread.failure) announce(spoken(thread));
  }

  async function refresh() {
    if (!state.thread) return false;
    const thread = threadOf(await client.fetchQuery(conversationQuery(state.thread.id)));
    set({ thread, asked: null });
    if (!thread.working) finish(thread);
    return thread.working;
  }

  async function cancel(id: string) {
    try {
      await cancelTurn(id);
    } catch {
      set({ stopping: false });
      announce("The assistant could not be stopped. Try again.");
    }
  }

  return {
    draft: "",
    getState: () => state,
    subscribe(listener: () => void) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    startNew,
    open,

    send: (message: string) => ask({ ...(state.thread && { conversation_id: state.thread.id }), message }),

    /** Says it in other words, or the same once more: what followed from it is dropped. */
    resend(seq: number, message: string) {
      if (!state.thread || isWorking(state)) return;
      const conversation_id = state.thread.id;
      set({ thread: cutFrom(state.thread, seq) });
      return ask({ conversation_id, message, replace_from: seq });
    },

    confirm: (confirm: boolean) => state.thread && ask({ conversation_id: state.thread.id, confirm }),

    /** Once more what the server refused or did not get. */
    askAgain: () => state.asked?.refusal && ask(state.asked.request),

    /** Forgets what the server refused, and shows what it knows. Returns the text that was not sent. */
    takeBack() {
      const text = state.asked?.request.message ?? "";
      if (state.thread) void open(state.thread.id);
      else set({ asked: null });
      return text;
    },

    stop() {
      if (!isWorking(state) || state.stopping) return;
      set({ stopping: true });
      if (state.thread?.working) void cancel(state.thread.id);
    },

    /** The conversation was deleted or renamed in the list. */
    forget: (id: string) => shownId(state) === id && startNew(),
    retitle: (id: string, title: string) => state.thread?.id === id && set({ thread: { ...state.thread, title } }),
  };
}

export type Chat = ReturnType<typeof createChat>;

export const isWorking = ({ thread, asked }: ChatState) =>
  Boolean(thread?.working || (asked && asked.refusal === null));

export const shownId = ({ thread, opening }: ChatState) => thread?.id ?? opening?.id ?? null;
