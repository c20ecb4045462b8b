import { body, http } from "./client";
import type { EventStream } from "./event-stream";
import type { ChatRequest, Conversation } from "./types";

export const MESSAGE_LIMIT = 4_000;
export const TITLE_LIMIT = 200;

const PAGE_SIZE = 30;

export const getChatInfo = () => body(http.GET("/api/chat"));

/** Starts a turn. Ending the request does not end the turn: that is what {@link cancelTurn} is for. */
export const startTurn = (request: ChatRequest, signal: AbortSignal): Promise<EventStream> =>
  body(http.POST("/api/chat", { body: request, parseAs: "stream", signal })) as Promise<never>;

/** What came after `position`; nothing when that is all, and no turn is at work. */
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
