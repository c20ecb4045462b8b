"use client";

import { lazy } from "react";
import { ClientOnly, LazyDialog } from "@/components/client-only";
import { useChatPlace } from "@/lib/chat/panel";
import { ChatSkeleton } from "./chat-skeleton";

const ChatPanel = lazy(() => import("./chat-panel"));
const ChatSheet = lazy(() => import("./chat-sheet"));

/** The place of the chat: a column beside the page, or a sheet over it on small screens. */
export function ChatDock({ initiallyOpen }: { initiallyOpen: boolean }) {
  const place = useChatPlace(initiallyOpen);
  return (
    <>
      {place === "beside" && (
        <aside
          id="chat"
          data-chat-beside
          aria-label="Assistant"
          className="sticky top-0 flex h-dvh w-(--beside) shrink-0 flex-col border-l bg-card max-lg:hidden"
        >
          <ClientOnly fallback={<ChatSkeleton />}>
            <ChatPanel />
          </ClientOnly>
        </aside>
      )}
      <LazyDialog open={place === "sheet"}>
        <ChatSheet open={place === "sheet"} />
      </LazyDialog>
    </>
  );
}
