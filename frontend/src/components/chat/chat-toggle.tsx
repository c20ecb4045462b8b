"use client";

import { Sparkles } from "lucide-react";
import { useEffect, useRef } from "react";
import { useHydrated } from "@/components/client-only";
import { closeChat, openChat, useChatPlacement } from "@/lib/chat/panel";
import { useShortcuts } from "@/lib/shortcuts";
import { cn } from "@/lib/utils";

export function ChatToggle({ initiallyOpen }: { initiallyOpen: boolean }) {
  const button = useRef<HTMLButtonElement>(null);
  const open = useChatPlacement(initiallyOpen) !== "closed";
  const wasOpen = useRef(open);
  const hydrated = useHydrated();
  useShortcuts({ c: openChat });

  // If the focus was in the panel, it would be lost when the panel closes.
  useEffect(() => {
    if (wasOpen.current && !open && document.activeElement === document.body) button.current?.focus();
    wasOpen.current = open;
  }, [open]);

  return (
    <button
      ref={button}
      type="button"
      aria-expanded={open}
      aria-controls="chat"
      disabled={!hydrated}
      onClick={() => (open ? closeChat() : openChat())}
      className={cn(
        "inline-flex h-9 items-center gap-2 rounded-lg px-2.5 font-medium text-sm transition-colors [&_svg]:size-4",
        open ? "bg-accent text-accent-foreground" : "text-muted-foreground hover:bg-muted hover:text-foreground",
      )}
    >
      <Sparkles aria-hidden="true" className="text-primary" />
      <span className="max-sm:sr-only">Assistant</span>
    </button>
  );
}
