"use client";

import { useInfiniteQuery } from "@tanstack/react-query";
import { Search } from "lucide-react";
import { useEffect, useRef, useState } from "react";
import { ErrorAlert } from "@/components/ui/alert";
import { Button } from "@/components/ui/button";
import { Input } from "@/components/ui/input";
import { shownId } from "@/lib/chat/chat";
import { conversationsQuery } from "@/lib/chat/queries";
import { useChat } from "@/lib/chat/use-chat";
import { useDebounced } from "@/lib/hooks/use-debounced";
import { ChatSkeleton } from "./chat-skeleton";
import { ConversationRow } from "./conversation-row";

type Props = { onOpen: (id: string) => void; onNew: () => void };

export function Conversations({ onOpen, onNew }: Props) {
  const search = useRef<HTMLInputElement>(null);
  const [q, setQ] = useState("");
  const query = useInfiniteQuery(conversationsQuery(useDebounced(q.trim())));
  const [, state] = useChat();
  const conversations = query.data?.pages.flatMap((page) => page.conversations) ?? [];

  useEffect(() => search.current?.focus(), []);

  return (
    <>
      <search className="relative block p-3 pb-1">
        <Search className="pointer-events-none absolute top-6 left-6 size-4 text-muted-foreground" aria-hidden="true" />
        <Input
          ref={search}
          role="searchbox"
          aria-label="Search conversations"
          placeholder="Search titles and messages"
          maxLength={200}
          autoComplete="off"
          className="pl-9"
          onInput={(event) => setQ(event.currentTarget.value)}
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
                current={conversation.id === shownId(state)}
                onOpen={() => onOpen(conversation.id)}
                onGone={() => search.current?.focus()}
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
