import type { components } from "./schema";

type Schemas = components["schemas"];

export type Task = Schemas["Task"];
export type TaskStatus = Schemas["Status"];
export type TaskCounts = Schemas["Counts"];
export type TaskPage = Schemas["Page"];
export type TaskEvent = Schemas["TaskEvent"];
export type NewTask = Schemas["NewTask"];
export type TaskUpdate = Schemas["UpdateTask"];
export type BulkAction = Schemas["Action"];
export type User = Schemas["User"];
export type SessionInfo = Schemas["SessionInfo"];
export type TokenInfo = Schemas["TokenInfo"];
export type CreatedToken = Schemas["CreatedToken"];
export type FieldError = Schemas["FieldError"];
export type Problem = Schemas["Problem"];

export type ChatInfo = { configured: boolean; model: string | null };

export type MessageStatus = "done" | "streaming" | "running" | "awaiting" | "declined" | "cancelled" | "failed";

export type ChatFailure = { code: string; detail: string; retryable: boolean };

export type ToolUse = {
  name: string;
  arguments: Record<string, unknown>;
  result: Record<string, unknown> | null;
};

export type ChatMessage = {
  seq: number;
  turn: string;
  role: "user" | "assistant" | "tool";
  text: string;
  tool: ToolUse | null;
  status: MessageStatus;
  error: ChatFailure | null;
  created_at: string;
};

export type ConversationInfo = {
  id: string;
  title: string;
  created_at: string;
  updated_at: string;
  at_work: boolean;
};

export type ConversationPage = { conversations: ConversationInfo[]; next_cursor: string | null };

export type Conversation = ConversationInfo & { position: string; messages: ChatMessage[] };

export type ChatRequest = { conversation_id?: string; message?: string; replace_from?: number; confirm?: boolean };

export type EndReason = "done" | "confirmation" | "cancelled" | "rounds";

export type ChatEvent =
  | { type: "message_start"; conversation_id: string; turn: string; title: string; message: ChatMessage }
  | { type: "text_delta"; seq: number; text: string }
  | { type: "tool_call" | "tool_result"; message: ChatMessage }
  | { type: "message_end"; turn: string; reason: EndReason }
  | ({ type: "error"; turn: string } & ChatFailure);
