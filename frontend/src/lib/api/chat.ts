import { body, http } from "./client";
import type { EventStream } from "./event-stream";
import type { ChatInfo, ChatRequest, Conversation, ConversationPage } from "./types";

// The backend's document does not have these routes yet.
type Answer = Promise<{ data?: unknown; error?: unknown; response: Response }>;
const { GET, POST, PATCH, DELETE } = http as unknown as Record<
  "GET" | "POST" | "PATCH" | "DELETE",
  (path: string, init?: object) => Answer
>;

export const MESSAGE_LIMIT = 4_000;
export const TITLE_LIMIT = 200;

export const getChatInfo = () => body(GET("/api/chat")) as Promise<ChatInfo>;

/** Starts a turn. Ending the request does not end the turn: that is what {@link cancelTurn} is for. */
export const startTurn = (request: ChatRequest, signal: AbortSignal) =>
  body(POST("/api/chat", { body: request, parseAs: "stream", signal })) as Promise<EventStream>;

/** What came after `position`; nothing when that is all, and no turn is at work. */
export const resumeTurn = (id: string, position: string, signal: AbortSignal) =>
  body(
    GET("/api/chat/{conversation_id}/events", {
      params: { path: { conversation_id: id }, header: { "Last-Event-ID": position } },
      parseAs: "stream",
      signal,
    }),
  ) as Promise<EventStream | undefined>;

export const cancelTurn = (id: string) =>
  body(POST("/api/chat/{conversation_id}/cancel", { params: { path: { conversation_id: id } } }));

export const listConversations = (q: string, cursor: string | null, signal?: AbortSignal) =>
  body(
    GET("/api/conversations", { params: { query: { limit: 30, ...(q && { q }), ...(cursor && { cursor }) } }, signal }),
  ) as Promise<ConversationPage>;

export const getConversation = (id: string, signal?: AbortSignal) =>
  body(GET("/api/conversations/{id}", { params: { path: { id } }, signal })) as Promise<Conversation>;

export const renameConversation = (id: string, title: string) =>
  body(PATCH("/api/conversations/{id}", { params: { path: { id } }, body: { title } }));

export const deleteConversation = (id: string) => body(DELETE("/api/conversations/{id}", { params: { path: { id } } }));
