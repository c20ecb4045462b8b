import { infiniteQueryOptions, keepPreviousData, queryOptions } from "@tanstack/react-query";
import { getChatInfo, getConversation, listConversations } from "@/lib/api/chat";

export const chatKeys = {
  info: ["chat", "info"] as const,
  lists: ["chat", "conversations"] as const,
  list: (q: string) => ["chat", "conversations", q] as const,
  conversation: (id: string) => ["chat", "conversation", id] as const,
};

export const chatInfoQuery = queryOptions({
  queryKey: chatKeys.info,
  queryFn: getChatInfo,
  staleTime: 60_000,
});

export const conversationsQuery = (q: string) =>
  infiniteQueryOptions({
    queryKey: chatKeys.list(q),
    queryFn: ({ pageParam, signal }) => listConversations(q, pageParam, signal),
    initialPageParam: null as string | null,
    getNextPageParam: (last) => last.next_cursor,
    placeholderData: keepPreviousData,
  });

/** Not cached: events keep the open conversation up to date, and opening it again must fetch it. */
export const conversationQuery = (id: string) =>
  queryOptions({
    queryKey: chatKeys.conversation(id),
    queryFn: ({ signal }) => getConversation(id, signal),
    staleTime: 0,
    gcTime: 0,
  });
