"use client";

import { useEffect, useRef } from "react";
import { LiveRegion } from "@/components/layout/live-region";
import { closeChat } from "@/lib/chat/panel";
import ChatPanel from "./chat-panel";

/** Over the page, from the bottom: the browser's modal dialog keeps the focus inside and gives it back. */
export default function ChatSheet({ open }: { open: boolean }) {
  const dialog = useRef<HTMLDialogElement>(null);

  useEffect(() => {
    if (open) dialog.current?.showModal();
    else dialog.current?.close();
  }, [open]);

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
          {/* What is outside of a modal dialog is not told. */}
          <LiveRegion />
        </div>
      )}
    </dialog>
  );
}
