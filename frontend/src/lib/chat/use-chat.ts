import { type QueryClient, useQueryClient } from "@tanstack/react-query";
import { useSyncExternalStore } from "react";
import { type Chat, createChat } from "./chat";
import { remembered } from "./remembered";

// One for the life of the page, so that closing the panel does not lose sight of a turn at work.
const chats = new WeakMap<QueryClient, Chat>();

function chatOf(client: QueryClient) {
  const existing = chats.get(client);
  if (existing) return existing;
  const chat = createChat(client);
  chats.set(client, chat);
  const id = remembered.get();
  if (id) void chat.open(id);
  return chat;
}

export function useChat() {
  const chat = chatOf(useQueryClient());
  const state = useSyncExternalStore(chat.subscribe, chat.getState, chat.getState);
  return [chat, state] as const;
}
