import type { ChatEvent, ChatFailure, ChatMessage, Conversation, EndReason } from "@/lib/api/types";

/** A conversation as it is known here. */
export type Thread = {
  id: string;
  title: string;
  messages: ChatMessage[];
  /** The last event that is in it. */
  position: string;
  working: boolean;
  /** How the last turn ended, where that asks for something. */
  ended: EndReason | null;
  failure: ChatFailure | null;
  /** Pieces of the text at work that are in it: the same one may come twice. */
  seen: readonly string[];
  /** Something before the last event was missed: only the whole conversation helps. */
  torn: boolean;
};

export function threadOf({ id, title, messages, position, at_work }: Conversation): Thread {
  return {
    id,
    title,
    messages,
    position,
    working: at_work,
    ended: messages.some(({ status }) => status === "awaiting") ? "confirmation" : null,
    failure: at_work ? null : (messages.at(-1)?.error ?? null),
    seen: [],
    torn: false,
  };
}

/** The thread after an event. */
export function applyEvent(thread: Thread, event: ChatEvent, id = thread.position): Thread {
  const next = { ...thread, position: id };
  switch (event.type) {
    case "message_start":
      return {
        ...next,
        title: event.title,
        // It takes the place of the message with its number, and of all after.
        messages: [...settled(before(thread.messages, event.message.seq), "done"), event.message],
        working: true,
        ended: null,
        failure: null,
        seen: [],
      };
    case "text_delta":
      return append(next, event.seq, event.text, id);
    case "tool_call":
    case "tool_result":
      return { ...next, working: true, ended: null, messages: put(settled(thread.messages, "done"), event.message) };
    case "message_end":
      return {
        ...next,
        messages: settled(thread.messages, event.reason === "cancelled" ? "cancelled" : "done"),
        working: false,
        ended: event.reason,
      };
    case "error": {
      const { code, detail, retryable } = event;
      return {
        ...next,
        messages: settled(thread.messages, "failed"),
        working: false,
        failure: { code, detail, retryable },
      };
    }
    // Of a newer server.
    default:
      return next;
  }
}

/** Without the message of that number and what followed it: another text takes its place. */
export function cutFrom(thread: Thread, seq: number): Thread {
  return { ...thread, messages: before(thread.messages, seq), ended: null, failure: null };
}

const before = (messages: ChatMessage[], seq: number) => messages.filter((message) => message.seq < seq);

function append(thread: Thread, seq: number, text: string, id: string): Thread {
  if (thread.seen.includes(id)) return thread;
  if (!thread.messages.some((message) => message.seq === seq)) return { ...thread, torn: true };
  const messages = thread.messages.map((message) =>
    message.seq === seq ? { ...message, text: message.text + text } : message,
  );
  return { ...thread, messages, seen: [...thread.seen, id] };
}

function put(messages: ChatMessage[], message: ChatMessage): ChatMessage[] {
  const others = messages.filter(({ seq }) => seq !== message.seq);
  return [...others, message].sort((a, b) => a.seq - b.seq);
}

/** A text is complete when the next message begins or the turn ends; a tool's own result says how it went. */
function settled(messages: ChatMessage[], status: "done" | "cancelled" | "failed"): ChatMessage[] {
  return messages.map((message) => {
    if (message.status === "streaming") return { ...message, status };
    return message.status === "running" && status !== "done" ? { ...message, status } : message;
  });
}
