"use client";

import { ArrowDown } from "lucide-react";
import { useEffect, useMemo } from "react";
import { ErrorAlert } from "@/components/ui/alert";
import { Button } from "@/components/ui/button";
import { isWorking } from "@/lib/chat/chat";
import { knownTitles, turnsOf } from "@/lib/chat/turns";
import { useChat } from "@/lib/chat/use-chat";
import { ChatSkeleton } from "./chat-skeleton";
import { Confirmation } from "./confirmation";
import { Refusal } from "./refusal";
import { Turn } from "./turn";
import { TurnEnd } from "./turn-end";
import { usePinnedScroll } from "./use-pinned-scroll";
import { UserBubble } from "./user-message";
import { Welcome } from "./welcome";

type Props = { configured: boolean; onEdit: (text: string) => void };

export function Thread({ configured, onEdit }: Props) {
  const [chat, state] = useChat();
  const { thread, opening, asked, broken } = state;
  const scroll = usePinnedScroll();
  const messages = thread?.messages;
  const turns = useMemo(() => turnsOf(messages ?? []), [messages]);
  const titles = useMemo(() => knownTitles(messages ?? []), [messages]);
  const working = isWorking(state);

  // What a person sends is to be seen, wherever they had scrolled to.
  const { toEnd } = scroll;
  useEffect(() => {
    if (asked?.request.message) toEnd();
  }, [asked?.request, toEnd]);

  if (opening) {
    return opening.error ? (
      <div className="min-h-0 flex-1 p-4">
        <ErrorAlert
          title="This conversation could not be loaded."
          error={opening.error}
          onRetry={() => chat.open(opening.id)}
        />
      </div>
    ) : (
      <ChatSkeleton />
    );
  }
  if (turns.length === 0 && !asked) {
    return (
      <div className="flex min-h-0 flex-1 overflow-y-auto">
        <Welcome onAsk={configured ? chat.send : undefined} />
      </div>
    );
  }
  return (
    <div className="relative flex min-h-0 flex-1 flex-col">
      <section
        ref={scroll.outer}
        aria-label="Messages"
        // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard
        tabIndex={0}
        className="min-h-0 flex-1 overflow-y-auto overscroll-contain focus-visible:-outline-offset-2"
      >
        <div ref={scroll.inner} aria-busy={working} className="grid gap-5 px-4 py-5">
          {turns.map((turn, index) => (
            <Turn
              key={turn.question?.seq ?? -1}
              turn={turn}
              titles={titles}
              last={index === turns.length - 1}
              onResend={working ? undefined : chat.resend}
            />
          ))}
          {asked?.request.message && <UserBubble text={asked.request.message} pending />}
          {working && <Thinking broken={broken} stopping={state.stopping} />}
          {asked?.refusal && (
            <Refusal refusal={asked.refusal} onAgain={chat.askAgain} onBack={() => onEdit(chat.takeBack())} />
          )}
          {thread && !working && <Confirmation messages={thread.messages} onAnswer={chat.confirm} />}
          {thread && !working && !asked && <TurnEnd thread={thread} />}
        </div>
      </section>
      {scroll.away && (
        <Button
          variant="outline"
          size="icon"
          className="absolute bottom-2 left-1/2 -translate-x-1/2 rounded-full shadow-float"
          aria-label="Go to the newest message"
          onClick={scroll.toEnd}
        >
          <ArrowDown />
        </Button>
      )}
    </div>
  );
}

/** Stands where the answer will be, and below one that goes on. */
function Thinking({ broken, stopping }: { broken: boolean; stopping: boolean }) {
  const words = stopping ? "Stopping…" : broken ? "The connection broke. Trying again…" : "Working…";
  return (
    <p className="-mt-1 flex h-5 items-center gap-1 text-muted-foreground text-sm">
      <span aria-hidden="true" className="flex gap-1 pr-1.5">
        {[0, 1, 2].map((dot) => (
          <span
            key={dot}
            className="size-1.5 animate-pulse rounded-full bg-primary"
            style={{ animationDelay: `${dot * 200}ms` }}
          />
        ))}
      </span>
      {words}
    </p>
  );
}
