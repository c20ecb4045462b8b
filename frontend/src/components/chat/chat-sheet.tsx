"use client";

import { useModal } from "@/components/ui/dialog";
import { LiveRegion } from "@/lib/announce";
import { closeChat } from "@/lib/chat/panel";
import ChatPanel from "./chat-panel";

/** The chat on small screens. */
export default function ChatSheet({ open }: { open: boolean }) {
  const dialog = useModal(open);
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: Escape closes it too
    <dialog
      ref={dialog}
      id="chat"
      aria-label="Assistant"
      onClose={closeChat}
      onClick={(event) => event.target === event.currentTarget && closeChat()}
      className="pop-in mx-auto mt-auto mb-0 h-[calc(100dvh-2.5rem)] max-h-none w-full max-w-2xl overflow-hidden rounded-t-2xl bg-card shadow-float"
    >
      {open && (
        <div className="flex h-full flex-col">
          <ChatPanel />
          {/* Screen readers ignore the live region outside of a modal dialog. */}
          <LiveRegion />
        </div>
      )}
    </dialog>
  );
}
