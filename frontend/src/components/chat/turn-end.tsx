"use client";

import { RotateCcw } from "lucide-react";
import { Alert } from "@/components/ui/alert";
import { Button } from "@/components/ui/button";
import { openChat } from "@/lib/chat/panel";
import type { Thread } from "@/lib/chat/thread";
import { useChat } from "@/lib/chat/use-chat";

/** Offers to continue or repeat a turn that failed, was stopped or reached the limit of steps. */
export function TurnEnd({ thread }: { thread: Thread }) {
  const [chat] = useChat();
  const question = thread.messages.findLast(({ role }) => role === "user");

  function retry() {
    if (question) void chat.resend(question.seq, question.text);
    openChat();
  }

  if (thread.failure) {
    return (
      <Alert>
        <p>{thread.failure.detail}</p>
        {question && (
          <Button variant="outline" size="sm" className="mt-2 text-foreground" onClick={retry}>
            Try again
          </Button>
        )}
      </Alert>
    );
  }
  if (thread.endReason === "rounds") {
    return (
      <div className="flex flex-wrap items-center gap-2 text-muted-foreground text-sm">
        <p>The assistant took as many steps as one answer may have.</p>
        <Button
          variant="outline"
          size="sm"
          onClick={() => {
            void chat.send("Go on");
            openChat();
          }}
        >
          Go on
        </Button>
      </div>
    );
  }
  if (thread.messages.at(-1)?.status === "cancelled" && question) {
    return (
      <Button variant="ghost" size="sm" className="w-fit text-muted-foreground" onClick={retry}>
        <RotateCcw aria-hidden="true" />
        Try again
      </Button>
    );
  }
  return null;
}
