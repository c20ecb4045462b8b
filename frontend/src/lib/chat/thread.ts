import type { ChatEvent, ChatFailure, ChatMessage, Conversation, EndReason } from "@/lib/api/types";

/** A conversation as this tab knows it. */
export type Thread = {
  id: string;
  title: string;
  messages: ChatMessage[];
  /** The id of the last event that was applied. */
  position: string;
  working: boolean;
  /** Why the last turn ended; null while a turn is running, or if a fetched conversation has no reason. */
  endReason: EndReason | null;
  failure: ChatFailure | null;
  /** The ids of the deltas that were applied to the current message: the server may send one twice. */
  appliedDeltas: readonly string[];
  /** Whether an event is missing, so that the whole conversation has to be fetched again. */
  stale: boolean;
};

export function toThread({ id, title, messages, position, at_work }: Conversation): Thread {
  return {
    id,
    title,
    messages,
    position,
    working: at_work,
    endReason: at_work ? null : storedEndReason(messages),
    failure: at_work ? null : (messages.at(-1)?.error ?? null),
    appliedDeltas: [],
    stale: false,
  };
}

/** Why the last turn ended, if it neither failed nor was done. */
function storedEndReason(messages: ChatMessage[]): EndReason | null {
  if (messages.some(({ status }) => status === "awaiting")) return "confirmation";
  return messages.at(-1)?.end_reason ?? null;
}

/** Returns the thread after an event. */
export function applyEvent(thread: Thread, event: ChatEvent, id = thread.position): Thread {
  const next = { ...thread, position: id };
  switch (event.type) {
    case "message_start":
      return {
        ...next,
        title: event.title,
        // The message replaces the one with the same number and all later ones.
        messages: [...completeMessages(messagesBefore(thread.messages, event.message.seq), "done"), event.message],
        working: true,
        endReason: null,
        failure: null,
        appliedDeltas: [],
      };
    case "text_delta":
      return append(next, "text", event, id);
    case "reasoning":
      return append(next, "reasoning", event, id);
    case "tool_call":
    case "tool_result":
      return {
        ...next,
        working: true,
        endReason: null,
        messages: upsertMessage(completeMessages(thread.messages, "done"), event.message),
      };
    case "message_end":
      return {
        ...next,
        messages: completeMessages(thread.messages, event.reason === "cancelled" ? "cancelled" : "done"),
        working: false,
        endReason: event.reason,
      };
    case "error": {
      const { code, detail, retryable } = event;
      return {
        ...next,
        messages: completeMessages(thread.messages, "failed"),
        working: false,
        failure: { code, detail, retryable },
      };
    }
    // A newer server may send events that this version does not know.
    default:
      return next;
  }
}

/** Removes what the assistant was saying when the last turn failed or was stopped. What it has done stays. */
export function dropBrokenAnswer(thread: Thread): Thread {
  const last = thread.messages.at(-1);
  const broken = last?.role === "assistant" && (last.status === "failed" || last.status === "cancelled");
  return broken ? truncateThread(thread, last.seq) : { ...thread, endReason: null, failure: null };
}

/** Removes the message with this number and all later ones. */
export function truncateThread(thread: Thread, seq: number): Thread {
  return { ...thread, messages: messagesBefore(thread.messages, seq), endReason: null, failure: null };
}

const messagesBefore = (messages: ChatMessage[], seq: number) => messages.filter((message) => message.seq < seq);

type Delta = { seq: number; text: string };

function append(thread: Thread, field: "text" | "reasoning", { seq, text }: Delta, id: string): Thread {
  if (thread.appliedDeltas.includes(id)) return thread;
  if (!thread.messages.some((message) => message.seq === seq)) return { ...thread, stale: true };
  const messages = thread.messages.map((message) =>
    message.seq === seq ? { ...message, [field]: message[field] + text } : message,
  );
  return { ...thread, messages, appliedDeltas: [...thread.appliedDeltas, id] };
}

function upsertMessage(messages: ChatMessage[], message: ChatMessage): ChatMessage[] {
  const others = messages.filter(({ seq }) => seq !== message.seq);
  return [...others, message].sort((a, b) => a.seq - b.seq);
}

/**
 * A text is complete when the next message begins or the turn ends. A tool that is "done" gets that status from its own
 * result.
 */
function completeMessages(messages: ChatMessage[], status: "done" | "cancelled" | "failed"): ChatMessage[] {
  return messages.map((message) => {
    if (message.status === "streaming") return { ...message, status };
    return message.status === "running" && status !== "done" ? { ...message, status } : message;
  });
}
