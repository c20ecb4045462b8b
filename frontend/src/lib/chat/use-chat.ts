import { type QueryClient, useQueryClient } from "@tanstack/react-query";
import { useStore } from "zustand";
import { type Chat, createChat } from "./chat";
import { loadConversationId } from "./conversation-storage";

// The chat lives as long as the page, so that closing the panel does not interrupt the reading of a turn.
const chats = new WeakMap<QueryClient, Chat>();

function chatFor(client: QueryClient) {
  const existing = chats.get(client);
  if (existing) return existing;
  const chat = createChat(client);
  chats.set(client, chat);
  const id = loadConversationId();
  if (id) void chat.open(id);
  return chat;
}

export function useChat() {
  const chat = chatFor(useQueryClient());
  return [chat, useStore(chat.store)] as const;
}
