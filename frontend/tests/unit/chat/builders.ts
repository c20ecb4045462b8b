import type { ChatMessage, Conversation, ToolUse } from "@/lib/api/types";
import { type Thread, toThread } from "@/lib/chat/thread";

export function message(seq: number, change: Partial<ChatMessage> = {}): ChatMessage {
  return {
    seq,
    turn: "turn",
    role: "assistant",
    text: "",
    reasoning: "",
    tool: null,
    status: "done",
    error: null,
    end_reason: null,
    created_at: "2026-01-01T10:00:00Z",
    ...change,
  };
}

export const user = (seq: number, text: string) => message(seq, { role: "user", text });

export const tool = (seq: number, use: Partial<ToolUse>, status: ChatMessage["status"] = "done") =>
  message(seq, { role: "tool", status, tool: { id: "", name: "list_tasks", arguments: {}, result: null, ...use } });

export function conversation(messages: ChatMessage[], change: Partial<Conversation> = {}): Conversation {
  return {
    id: "conversation",
    title: "A talk",
    created_at: "2026-01-01T10:00:00Z",
    updated_at: "2026-01-01T10:00:00Z",
    at_work: false,
    position: "0",
    messages,
    ...change,
  };
}

export const thread = (messages: ChatMessage[], change: Partial<Conversation> = {}): Thread =>
  toThread(conversation(messages, change));
