import { body, http } from "./client";
import type { EventStream } from "./event-stream";
import type { ChatRequest, Conversation } from "./types";

export const MAX_MESSAGE_CHARS = 4_000;
export const MAX_TITLE_CHARS = 200;
export const MAX_QUERY_CHARS = 200;

const PAGE_SIZE = 30;

export const getChatInfo = () => body(http.GET("/api/chat"));

/**
 * Starts a turn, or follows the one that a request with the same key has started. The turn continues when the request is
 * aborted; only {@link cancelTurn} ends it.
 */
export const startTurn = (request: ChatRequest, key: string, signal: AbortSignal): Promise<EventStream> => {
  const params = { header: { "Idempotency-Key": key } };
  return body(http.POST("/api/chat", { body: request, params, parseAs: "stream", signal })) as Promise<never>;
};

/** The events after `position`; nothing when there are none and no turn is running. */
export const resumeTurn = (id: string, position: string, signal: AbortSignal): Promise<EventStream | undefined> => {
  const params = { path: { id }, header: { "Last-Event-ID": position } };
  return body(http.GET("/api/chat/{id}/events", { params, parseAs: "stream", signal })) as Promise<never>;
};

export const cancelTurn = (id: string) => body(http.POST("/api/chat/{id}/cancel", { params: { path: { id } } }));

export function listConversations(q: string, cursor: string | null, signal?: AbortSignal) {
  const query = { limit: PAGE_SIZE, ...(q && { q }), ...(cursor && { cursor }) };
  return body(http.GET("/api/conversations", { params: { query }, signal }));
}

export const getConversation = (id: string, signal?: AbortSignal): Promise<Conversation> =>
  body(http.GET("/api/conversations/{id}", { params: { path: { id } }, signal }));

export const renameConversation = (id: string, title: string) =>
  body(http.PATCH("/api/conversations/{id}", { params: { path: { id } }, body: { title } }));

export const deleteConversation = (id: string) =>
  body(http.DELETE("/api/conversations/{id}", { params: { path: { id } } }));
