"use client";

import { Alert } from "@/components/ui/alert";
import { Button } from "@/components/ui/button";
import { ApiError, messageOf } from "@/lib/api/problem";
import { useCountdown } from "@/lib/hooks/use-countdown";

type Props = { refusal: Error; onAgain: () => void; onBack: () => void };

/** The server did not take what was asked: why, and the ways on. */
export function Refusal({ refusal, onAgain, onBack }: Props) {
  const limited = refusal instanceof ApiError && refusal.status === 429;
  const atWork = refusal instanceof ApiError && refusal.code === "turn_at_work";
  const seconds = useCountdown(limited ? refusal : null);
  return (
    <Alert>
      <p>{messageOf(refusal)}</p>
      <div className="mt-2 flex flex-wrap gap-2 text-foreground">
        {!atWork && (
          <Button variant="outline" size="sm" disabled={seconds > 0} onClick={onAgain}>
            {seconds > 0 ? `Try again in ${seconds} s` : "Try again"}
          </Button>
        )}
        <Button variant="outline" size="sm" onClick={onBack}>
          {atWork ? "Show the answer at work" : "Edit"}
        </Button>
      </div>
    </Alert>
  );
}
