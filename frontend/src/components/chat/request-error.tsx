"use client";

import { Alert } from "@/components/ui/alert";
import { Button } from "@/components/ui/button";
import { ApiError, errorMessage } from "@/lib/api/problem";
import { useCountdown } from "@/lib/hooks/use-countdown";

type Props = { error: Error; onRetry: () => void; onDiscard: () => void };

/** Shows why the server did not accept a request. The user can send it again or get its text back into the composer. */
export function RequestError({ error, onRetry, onDiscard }: Props) {
  const rateLimited = error instanceof ApiError && error.status === 429;
  const otherTurnRunning = error instanceof ApiError && error.code === "turn_at_work";
  // Another tab has continued the conversation, so that the same request would be refused again.
  const outdated = error instanceof ApiError && error.status === 409 && error.code !== "quota_reached";
  const seconds = useCountdown(rateLimited ? error : null);
  return (
    <Alert>
      <p>{errorMessage(error)}</p>
      <div className="mt-2 flex flex-wrap gap-2 text-foreground">
        {!outdated && (
          <Button variant="outline" size="sm" disabled={seconds > 0} onClick={onRetry}>
            {seconds > 0 ? `Try again in ${seconds} s` : "Try again"}
          </Button>
        )}
        <Button variant="outline" size="sm" onClick={onDiscard}>
          {otherTurnRunning ? "Show the answer at work" : outdated ? "Show what is there now" : "Edit"}
        </Button>
      </div>
    </Alert>
  );
}
