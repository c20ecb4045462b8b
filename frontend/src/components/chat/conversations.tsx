"use client";

import { useInfiniteQuery } from "@tanstack/react-query";
import { Search } from "lucide-react";
import { useEffect, useRef, useState } from "react";
import { ErrorAlert } from "@/components/ui/alert";
import { Button } from "@/components/ui/button";
import { Input } from "@/components/ui/input";
import { MAX_QUERY_CHARS } from "@/lib/api/chat";
import { currentConversationId } from "@/lib/chat/chat";
import { conversationsQuery } from "@/lib/chat/queries";
import { useChat } from "@/lib/chat/use-chat";
import { useDebouncedCallback } from "@/lib/hooks/use-debounced-callback";
import { ChatSkeleton } from "./chat-skeleton";
import { ConversationRow } from "./conversation-row";

type Props = { onOpen: (id: string) => void; onNew: () => void };

export function Conversations({ onOpen, onNew }: Props) {
  const field = useRef<HTMLInputElement>(null);
  const [q, setQ] = useState("");
  const search = useDebouncedCallback((value: string) => setQ(value.trim()));
  const query = useInfiniteQuery(conversationsQuery(q));
  const [, state] = useChat();
  const conversations = query.data?.pages.flatMap((page) => page.conversations) ?? [];

  useEffect(() => field.current?.focus(), []);

  return (
    <>
      <search className="relative block p-3 pb-1">
        <Search className="pointer-events-none absolute top-6 left-6 size-4 text-muted-foreground" aria-hidden="true" />
        <Input
          ref={field}
          role="searchbox"
          aria-label="Search conversations"
          placeholder="Search titles and messages"
          maxLength={MAX_QUERY_CHARS}
          autoComplete="off"
          className="pl-9"
          onInput={(event) => search(event.currentTarget.value)}
        />
      </search>
      {query.isPending ? (
        <ChatSkeleton />
      ) : query.isError && conversations.length === 0 ? (
        <div className="min-h-0 flex-1 p-4">
          <ErrorAlert title="The conversations could not be loaded." error={query.error} onRetry={query.refetch} />
        </div>
      ) : conversations.length === 0 ? (
        <div className="m-auto grid justify-items-center gap-3 p-6 text-center text-muted-foreground text-sm">
          <p className="wrap-anywhere">{q ? `No conversation contains “${q}”.` : "There is no conversation yet."}</p>
          {!q && <Button onClick={onNew}>Start one</Button>}
        </div>
      ) : (
        <div className="min-h-0 flex-1 overflow-y-auto p-2">
          <ul aria-label="Conversations" className="grid gap-0.5">
            {conversations.map((conversation) => (
              <ConversationRow
                key={conversation.id}
                conversation={conversation}
                current={conversation.id === currentConversationId(state)}
                onOpen={() => onOpen(conversation.id)}
                onDeleted={() => field.current?.focus()}
              />
            ))}
          </ul>
          {query.hasNextPage && (
            <Button
              variant="ghost"
              size="sm"
              className="mx-auto mt-2 flex"
              pending={query.isFetchingNextPage}
              onClick={() => query.fetchNextPage()}
            >
              {query.isFetchNextPageError ? "Could not load more. Try again" : "Show more"}
            </Button>
          )}
        </div>
      )}
    </>
  );
}
