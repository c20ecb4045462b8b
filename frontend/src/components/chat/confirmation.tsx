"use client";

import { Button } from "@/components/ui/button";
import type { ChatMessage } from "@/lib/api/types";
import { openChat } from "@/lib/chat/panel";
import { describeConfirmation } from "@/lib/chat/steps";
import { awaitingConfirmation } from "@/lib/chat/turns";

type Props = { messages: ChatMessage[]; onAnswer: (confirm: boolean) => void };

/** Asks the user to allow the changes that the assistant may not make by itself. */
export function Confirmation({ messages, onAnswer }: Props) {
  const awaiting = awaitingConfirmation(messages);
  if (awaiting.length === 0) return null;
  const action = describeConfirmation(awaiting);
  // The texts of a task that is changed or deleted are lost; nothing is when tasks are added or completed.
  const loses = awaiting.some(({ tool }) => tool?.name === "update_task" || tool?.name === "delete_task");

  function answer(confirm: boolean) {
    onAnswer(confirm);
    // The button that had the focus disappears with the question.
    openChat();
  }

  return (
    <section aria-label="Confirmation" className="rounded-xl border bg-muted/50 p-3.5">
      <p className="text-sm">
        May the assistant <strong className="font-semibold">{action}</strong>?
      </p>
      <div className="mt-3 flex flex-wrap gap-2">
        <Button variant={loses ? "danger" : "primary"} size="sm" onClick={() => answer(true)}>
          {action.charAt(0).toUpperCase() + action.slice(1)}
        </Button>
        <Button variant="outline" size="sm" onClick={() => answer(false)}>
          No, leave it
        </Button>
      </div>
    </section>
  );
}
