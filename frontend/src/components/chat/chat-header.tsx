"use client";

import { ArrowLeft, History, SquarePen, X } from "lucide-react";
import { Button } from "@/components/ui/button";
import { closeChat } from "@/lib/chat/panel";
import { useChat } from "@/lib/chat/use-chat";

type Props = { listOpen: boolean; onToggleList: (open: boolean) => void; onNew: () => void };

export function ChatHeader({ listOpen, onToggleList, onNew }: Props) {
  const [, { thread }] = useChat();
  return (
    <header className="box-content flex h-14 shrink-0 items-center gap-0.5 border-b pr-2 pl-4">
      {listOpen && (
        <Button
          variant="ghost"
          size="icon"
          className="-ml-2 mr-1"
          aria-label="Back to the chat"
          onClick={() => onToggleList(false)}
        >
          <ArrowLeft />
        </Button>
      )}
      <h2 className="min-w-0 flex-1 truncate font-semibold text-sm tracking-normal" title={thread?.title}>
        {listOpen ? "Conversations" : (thread?.title ?? "New chat")}
      </h2>
      {!listOpen && (
        <Button
          variant="ghost"
          size="icon"
          aria-label="Conversations"
          title="Conversations"
          onClick={() => onToggleList(true)}
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
