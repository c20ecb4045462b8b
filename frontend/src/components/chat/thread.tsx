"use client";

import { ArrowDown } from "lucide-react";
import { useEffect, useMemo } from "react";
import { ErrorAlert } from "@/components/ui/alert";
import { Button } from "@/components/ui/button";
import { isWorking } from "@/lib/chat/chat";
import { collectTaskTitles, groupIntoTurns } from "@/lib/chat/turns";
import { useChat } from "@/lib/chat/use-chat";
import { ChatSkeleton } from "./chat-skeleton";
import { Confirmation } from "./confirmation";
import { RequestError } from "./request-error";
import { Turn } from "./turn";
import { TurnEnd } from "./turn-end";
import { usePinnedScroll } from "./use-pinned-scroll";
import { UserBubble } from "./user-message";
import { Welcome } from "./welcome";

type Props = { configured: boolean; onEdit: (text: string) => void };

export function Thread({ configured, onEdit }: Props) {
  const [chat, state] = useChat();
  const { thread, loading, pending, reconnecting, stopping } = state;
  const scroll = usePinnedScroll();
  const messages = thread?.messages;
  const turns = useMemo(() => groupIntoTurns(messages ?? []), [messages]);
  const titles = useMemo(() => collectTaskTitles(messages ?? []), [messages]);
  const working = isWorking(state);

  // A message that was just sent must be visible, wherever the user had scrolled to.
  const { scrollToEnd } = scroll;
  useEffect(() => {
    if (pending?.request.message) scrollToEnd();
  }, [pending?.request, scrollToEnd]);

  if (loading) {
    return loading.error ? (
      <div className="min-h-0 flex-1 p-4">
        <ErrorAlert
          title="This conversation could not be loaded."
          error={loading.error}
          onRetry={() => chat.open(loading.id)}
        />
      </div>
    ) : (
      <ChatSkeleton />
    );
  }
  if (turns.length === 0 && !pending) {
    return (
      <div className="flex min-h-0 flex-1 overflow-y-auto">
        <Welcome onAsk={configured ? chat.send : undefined} />
      </div>
    );
  }
  return (
    <div className="relative flex min-h-0 flex-1 flex-col">
      <section
        ref={scroll.containerRef}
        aria-label="Messages"
        // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard
        tabIndex={0}
        className="min-h-0 flex-1 overflow-y-auto overscroll-contain focus-visible:-outline-offset-2"
      >
        <div ref={scroll.contentRef} aria-busy={working} className="grid gap-5 px-4 py-5">
          {turns.map((turn, index) => (
            <Turn
              key={turn.question?.seq ?? -1}
              turn={turn}
              titles={titles}
              last={index === turns.length - 1}
              onResend={working ? undefined : chat.resend}
            />
          ))}
          {pending?.request.message && <UserBubble text={pending.request.message} pending />}
          {working && <Progress reconnecting={reconnecting} stopping={stopping} />}
          {pending?.error && (
            <RequestError error={pending.error} onRetry={chat.retry} onDiscard={() => onEdit(chat.discardPending())} />
          )}
          {thread && !working && <Confirmation messages={thread.messages} onAnswer={chat.confirm} />}
          {thread && !working && !pending && <TurnEnd thread={thread} />}
        </div>
      </section>
      {!scroll.atEnd && (
        <Button
          variant="outline"
          size="icon"
          className="absolute bottom-2 left-1/2 -translate-x-1/2 rounded-full shadow-float"
          aria-label="Go to the newest message"
          onClick={scroll.scrollToEnd}
        >
          <ArrowDown />
        </Button>
      )}
    </div>
  );
}

/** Shown below the messages while a turn is running. */
function Progress({ reconnecting, stopping }: { reconnecting: boolean; stopping: boolean }) {
  const text = stopping ? "Stopping…" : reconnecting ? "The connection broke. Trying again…" : "Working…";
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
      {text}
    </p>
  );
}
