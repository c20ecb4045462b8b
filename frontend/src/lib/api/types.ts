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

export type ChatRequest = Schemas["ChatRequest"];
export type ConfirmedCall = Schemas["ChatConfirmedCall"];
export type ChatFailure = Schemas["ChatFailure"];
export type MessageStatus = Schemas["MessageStatus"];
export type EndReason = Schemas["ChatEndReason"];
export type ConversationInfo = Schemas["ConversationInfo"];

type Json = Record<string, unknown>;

// The OpenAPI document does not describe the objects of tools, since each tool has its own.
export type ToolUse = Pick<Schemas["ChatToolCall"], "id" | "name" | "target"> & {
  arguments: Json;
  result?: Json | null;
};
export type ChatMessage = Omit<Schemas["ChatMessage"], "tool"> & { tool?: ToolUse | null };
export type Conversation = Omit<Schemas["Conversation"], "messages"> & { messages: ChatMessage[] };

/** An event of a turn, with its name as `type`. */
export type ChatEvent =
  | ({ type: "message_start"; message: ChatMessage } & Omit<Schemas["ChatMessageStart"], "message">)
  | ({ type: "text_delta" | "reasoning" } & Schemas["ChatTextDelta"])
  | { type: "tool_call" | "tool_result"; message: ChatMessage }
  | ({ type: "message_end" } & Schemas["ChatMessageEnd"])
  | ({ type: "error" } & Schemas["ChatError"]);
