"use client";

import { lazy } from "react";
import { ClientOnly, LazyDialog } from "@/components/client-only";
import { useChatPlacement } from "@/lib/chat/panel";
import { ChatSkeleton } from "./chat-skeleton";

const ChatPanel = lazy(() => import("./chat-panel"));
const ChatSheet = lazy(() => import("./chat-sheet"));

/** The chat: a column next to the page on wide screens, a sheet over the page on small ones. */
export function ChatDock({ initiallyOpen }: { initiallyOpen: boolean }) {
  const placement = useChatPlacement(initiallyOpen);
  return (
    <>
      {placement === "docked" && (
        <aside
          id="chat"
          data-chat-docked
          aria-label="Assistant"
          className="sticky top-0 flex h-dvh w-(--dock-width) shrink-0 flex-col border-l bg-card max-lg:hidden"
        >
          <ClientOnly fallback={<ChatSkeleton />}>
            <ChatPanel />
          </ClientOnly>
        </aside>
      )}
      <LazyDialog open={placement === "sheet"}>
        <ChatSheet open={placement === "sheet"} />
      </LazyDialog>
    </>
  );
}
