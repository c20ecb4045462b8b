"use client";

import { useQuery } from "@tanstack/react-query";
import { useRef, useState } from "react";
import { openChat } from "@/lib/chat/panel";
import { chatInfoQuery } from "@/lib/chat/queries";
import { useChat } from "@/lib/chat/use-chat";
import { useShortcuts } from "@/lib/shortcuts";
import { ChatHeader } from "./chat-header";
import { Composer, type ComposerHandle } from "./composer";
import { Conversations } from "./conversations";
import { NotConfigured } from "./not-configured";
import { Thread } from "./thread";

export default function ChatPanel() {
  const [chat] = useChat();
  const composer = useRef<ComposerHandle>(null);
  const [listOpen, setListOpen] = useState(false);
  const { data: info, refetch } = useQuery(chatInfoQuery);

  function startNew() {
    chat.startNew();
    setListOpen(false);
    openChat();
  }

  function openConversation(id: string) {
    void chat.open(id);
    setListOpen(false);
    openChat();
  }

  useShortcuts({ C: startNew });

  return (
    <>
      <ChatHeader listOpen={listOpen} onToggleList={setListOpen} onNew={startNew} />
      {listOpen ? (
        <Conversations onOpen={openConversation} onNew={startNew} />
      ) : (
        <>
          <Thread configured={info?.configured !== false} onEdit={(text) => composer.current?.restoreDraft(text)} />
          {info?.configured === false ? (
            <NotConfigured onCheck={refetch} />
          ) : (
            <Composer ref={composer} model={info?.model ?? null} />
          )}
        </>
      )}
    </>
  );
}
