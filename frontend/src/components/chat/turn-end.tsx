"use client";

import { RotateCcw } from "lucide-react";
import { Alert } from "@/components/ui/alert";
import { Button } from "@/components/ui/button";
import { EARLY_ENDS } from "@/lib/chat/early-ends";
import { openChat } from "@/lib/chat/panel";
import type { Thread } from "@/lib/chat/thread";
import { useChat } from "@/lib/chat/use-chat";

/** Offers to continue or repeat a turn that failed, was stopped, was cut off or reached a limit. */
export function TurnEnd({ thread }: { thread: Thread }) {
  const [chat] = useChat();

  function retry() {
    void chat.tryAgain();
    openChat();
  }

  if (thread.failure) {
    return (
      <Alert>
        <p>{thread.failure.detail}</p>
        <Button variant="outline" size="sm" className="mt-2 text-foreground" onClick={retry}>
          Try again
        </Button>
      </Alert>
    );
  }
  const end = thread.endReason && EARLY_ENDS[thread.endReason];
  if (end) {
    return (
      <div className="flex flex-wrap items-center gap-2 text-muted-foreground text-sm">
        <p>{end.text}</p>
        <Button
          variant="outline"
          size="sm"
          onClick={() => {
            void chat.send(end.goOn);
            openChat();
          }}
        >
          {end.goOn}
        </Button>
      </div>
    );
  }
  if (thread.endReason === "cancelled" || thread.messages.at(-1)?.status === "cancelled") {
    return (
      <Button variant="ghost" size="sm" className="w-fit text-muted-foreground" onClick={retry}>
        <RotateCcw aria-hidden="true" />
        Try again
      </Button>
    );
  }
  return null;
}
