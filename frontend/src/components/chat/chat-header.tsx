"use client";

import { ArrowLeft, History, SquarePen, X } from "lucide-react";
import { Button } from "@/components/ui/button";
import { closeChat } from "@/lib/chat/panel";
import { useChat } from "@/lib/chat/use-chat";

type Props = { listing: boolean; onList: (listing: boolean) => void; onNew: () => void };

export function ChatHeader({ listing, onList, onNew }: Props) {
  const [, { thread }] = useChat();
  return (
    <header className="box-content flex h-14 shrink-0 items-center gap-0.5 border-b pr-2 pl-4">
      {listing && (
        <Button
          variant="ghost"
          size="icon"
          className="-ml-2 mr-1"
          aria-label="Back to the chat"
          onClick={() => onList(false)}
        >
          <ArrowLeft />
        </Button>
      )}
      <h2 className="min-w-0 flex-1 truncate font-semibold text-sm tracking-normal" title={thread?.title}>
        {listing ? "Conversations" : (thread?.title ?? "New chat")}
      </h2>
      {!listing && (
        <Button
          variant="ghost"
          size="icon"
          aria-label="Conversations"
          title="Conversations"
          onClick={() => onList(true)}
        >
          <History />
        </Button>
      )}
      <Button variant="ghost" size="icon" aria-label="New chat" title="New chat" onClick={onNew}>
        <SquarePen />
      </Button>
      <Button variant="ghost" size="icon" aria-label="Close the assistant" title="Close" onClick={closeChat}>
        <X />
      </Button>
    </header>
  );
}
