"use client";

import { Button } from "@/components/ui/button";
import type { ChatMessage } from "@/lib/api/types";
import { openChat } from "@/lib/chat/panel";
import { confirmationWords } from "@/lib/chat/steps";
import { awaiting } from "@/lib/chat/turns";

type Props = { messages: ChatMessage[]; onAnswer: (confirm: boolean) => void };

/** What the assistant may not do by itself. */
export function Confirmation({ messages, onAnswer }: Props) {
  const waiting = awaiting(messages);
  if (waiting.length === 0) return null;
  const words = confirmationWords(waiting);

  function answer(confirm: boolean) {
    onAnswer(confirm);
    // The pressed button is gone with the question.
    openChat();
  }

  return (
    <section aria-label="Confirmation" className="rounded-xl border bg-muted/50 p-3.5">
      <p className="text-sm">
        May the assistant <strong className="font-semibold">{words}</strong>?
      </p>
      <div className="mt-3 flex flex-wrap gap-2">
        <Button variant="danger" size="sm" onClick={() => answer(true)}>
          {words.charAt(0).toUpperCase() + words.slice(1)}
        </Button>
        <Button variant="outline" size="sm" onClick={() => answer(false)}>
          No, leave it
        </Button>
      </div>
    </section>
  );
}
