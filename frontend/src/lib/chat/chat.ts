import type { QueryClient } from "@tanstack/react-query";
import { createStore } from "zustand";
import { announce } from "@/lib/announce";
import { cancelTurn, startTurn } from "@/lib/api/chat";
import type { EventStream, NumberedEvent } from "@/lib/api/event-stream";
import { ApiError } from "@/lib/api/problem";
import type { ChatRequest } from "@/lib/api/types";
import { goToSignIn } from "@/lib/navigation";
import { randomId } from "@/lib/utils";
import { turnAnnouncement } from "./announcement";
import { saveConversationId } from "./conversation-storage";
import { chatKeys, conversationQuery } from "./queries";
import { applyEvent, dropBrokenAnswer, type Thread, toThread, truncateThread } from "./thread";
import { streamTurn } from "./turn-stream";
import { nameCalls } from "./turns";

type ChatState = {
  /** Null in a new conversation. */
  thread: Thread | null;
  /** The conversation that is being fetched, and the error if that failed. */
  loading: { id: string; error: unknown } | null;
  /** The request that is not part of the thread yet, and the error if the server refused it. */
  pending: { request: ChatRequest; key: string; error: Error | null } | null;
  stopping: boolean;
  /** Whether the connection broke during an answer and is being restored. */
  reconnecting: boolean;
};

const INITIAL: ChatState = { thread: null, loading: null, pending: null, stopping: false, reconnecting: false };

/** The open conversation: the actions of the user, and the events from the server. */
export function createChat(client: QueryClient) {
  const store = createStore(() => INITIAL);
  const { getState, setState } = store;
  let reading = new AbortController();

  /** Stops reading the current conversation; its turn continues at the server. Returns the signal of the next one. */
  function restartReading() {
    reading.abort();
    reading = new AbortController();
    return reading.signal;
  }

  function startNew() {
    restartReading();
    saveConversationId(null);
    setState(INITIAL);
  }

  async function open(id: string) {
    const signal = restartReading();
    saveConversationId(id);
    setState({ ...INITIAL, loading: { id, error: null } });
    try {
      const thread = toThread(await client.fetchQuery(conversationQuery(id)));
      if (signal.aborted) return;
      setState({ thread, loading: null });
    } catch (error) {
      if (signal.aborted) return;
      if (error instanceof ApiError && error.status === 404) return startNew();
      return setState({ loading: { id, error } });
    }
    if (getState().thread?.working) await read(null, signal);
  }

  /** The server does a request once for each key, also if only its answer was lost. */
  async function submit(request: ChatRequest, key = randomId()) {
    if (isWorking(getState())) return;
    const signal = restartReading();
    setState({ pending: { request, key, error: null }, reconnecting: false });
    try {
      await read(await startTurn(request, key, signal), signal);
    } catch (error) {
      if (!signal.aborted) failPending(request, key, error);
    }
  }

  function failPending(request: ChatRequest, key: string, cause: unknown) {
    if (cause instanceof ApiError && cause.code === "unauthorized") return goToSignIn();
    if (cause instanceof ApiError && cause.code === "chat_not_configured") {
      client.invalidateQueries({ queryKey: chatKeys.info });
    }
    const error = cause instanceof Error ? cause : new Error(String(cause));
    setState({ pending: { request, key, error }, stopping: false, reconnecting: false });
  }

  async function read(stream: EventStream | null, signal: AbortSignal) {
    const getPosition = () => {
      const { thread } = getState();
      return thread && { id: thread.id, after: thread.position };
    };
    const onReconnecting = (reconnecting: boolean) => setState({ reconnecting });
    try {
      await streamTurn(stream, { getPosition, onEvent, refetch, onReconnecting }, signal);
    } catch (error) {
      if (signal.aborted) return;
      const { thread } = getState();
      if (!thread?.working) throw error;
      // The server refused to continue the stream. The fetched conversation shows how the turn ended.
      await open(thread.id);
    }
  }

  function onEvent({ id, event }: NumberedEvent) {
    if (event.type === "message_start" && event.conversation_id !== getState().thread?.id) {
      startThread(event.conversation_id, event.title);
    }
    const { thread: current, pending, stopping } = getState();
    if (!current) return "stale";
    const thread = applyEvent(current, event, id);
    // The first event shows that the server knows the turn, which can be cancelled from now on.
    if (pending && stopping) void cancel(thread.id);
    setState({ thread, pending: null });
    if (thread.stale) return "stale";
    if (thread.working) return "continue";
    finishTurn(thread);
    return "done";
  }

  function startThread(id: string, title: string) {
    saveConversationId(id);
    setState({
      thread: {
        id,
        title,
        messages: [],
        position: "",
        working: true,
        endReason: null,
        failure: null,
        appliedDeltas: [],
        stale: false,
      },
    });
    client.invalidateQueries({ queryKey: chatKeys.lists });
  }

  function finishTurn(thread: Thread) {
    setState({ pending: null, stopping: false, reconnecting: false });
    client.invalidateQueries({ queryKey: chatKeys.lists });
    // The page shows a failure as an alert, which screen readers announce by themselves.
    if (!thread.failure) announce(turnAnnouncement(thread));
  }

  async function refetch() {
    const { thread: current } = getState();
    if (!current) return false;
    const thread = toThread(await client.fetchQuery(conversationQuery(current.id)));
    setState({ thread, pending: null });
    if (!thread.working) finishTurn(thread);
    return thread.working;
  }

  async function cancel(id: string) {
    try {
      await cancelTurn(id);
    } catch {
      setState({ stopping: false });
      announce("The assistant could not be stopped. Try again.");
    }
  }

  return {
    store,
    /** The text in the composer, which is kept while the panel is closed. */
    draft: "",
    startNew,
    open,

    send(message: string) {
      const { thread } = getState();
      return submit({ ...(thread && { conversation_id: thread.id }), message, time_zone: getTimeZone() });
    },

    /** Sends a message again, edited or not. The old one and all later messages are replaced. */
    resend(seq: number, message: string) {
      const { thread } = getState();
      if (!thread || isWorking(getState())) return;
      setState({ thread: truncateThread(thread, seq) });
      return submit({ conversation_id: thread.id, message, replace_from: seq, time_zone: getTimeZone() });
    },

    /** Goes on with the last turn, which failed or was stopped, from what it has done. */
    tryAgain() {
      const { thread } = getState();
      if (!thread || isWorking(getState())) return;
      setState({ thread: dropBrokenAnswer(thread) });
      return submit({ conversation_id: thread.id, retry: true });
    },

    /** Allows or refuses the changes that await confirmation, which the server checks to be those that are shown. */
    confirm(confirm: boolean) {
      const { thread } = getState();
      return thread && submit({ conversation_id: thread.id, confirm, calls: nameCalls(thread.messages) });
    },

    /** Sends the request again that the server refused or did not receive. */
    retry() {
      const { pending } = getState();
      return pending?.error && submit(pending.request, pending.key);
    },

    /** Drops the request that the server refused, and shows the conversation as the server has it. Returns its text. */
    discardPending() {
      const { thread, pending } = getState();
      if (thread) void open(thread.id);
      else setState({ pending: null });
      return pending?.request.message ?? "";
    },

    stop() {
      const { thread, stopping } = getState();
      if (!isWorking(getState()) || stopping) return;
      setState({ stopping: true });
      if (thread?.working) void cancel(thread.id);
    },

    /** The list calls this after it has deleted a conversation. */
    onDeleted: (id: string) => currentConversationId(getState()) === id && startNew(),

    /** The list calls this after it has renamed a conversation. */
    onRenamed(id: string, title: string) {
      const { thread } = getState();
      if (thread?.id === id) setState({ thread: { ...thread, title } });
    },
  };
}

/** The IANA name of the user's time zone, so that the assistant knows the date and time there. */
const getTimeZone = () => Intl.DateTimeFormat().resolvedOptions().timeZone;

export type Chat = ReturnType<typeof createChat>;

export const isWorking = ({ thread, pending }: ChatState) =>
  Boolean(thread?.working || (pending && pending.error === null));

export const currentConversationId = ({ thread, loading }: ChatState) => thread?.id ?? loading?.id ?? null;
