"use client";

import { Pencil } from "lucide-react";
import { type KeyboardEvent, useEffect, useRef, useState } from "react";
import { Button } from "@/components/ui/button";
import { MAX_MESSAGE_CHARS } from "@/lib/api/chat";
import type { ChatMessage } from "@/lib/api/types";
import { openChat } from "@/lib/chat/panel";
import { cn } from "@/lib/utils";

type Props = { message: ChatMessage; onResend: ((seq: number, text: string) => void) | undefined };

export function UserMessage({ message, onResend }: Props) {
  const [editing, setEditing] = useState(false);

  if (editing && onResend) {
    return (
      <Editor
        text={message.text}
        onCancel={() => {
          setEditing(false);
          openChat();
        }}
        onSend={(text) => {
          onResend(message.seq, text);
          openChat();
        }}
      />
    );
  }
  return (
    <div className="group/message flex items-start justify-end gap-1">
      {onResend && (
        <Button
          variant="ghost"
          size="icon"
          data-edit-message
          aria-label={`Edit “${message.text.slice(0, 60)}” and send it again`}
          title="Edit and send again"
          className="mt-1 opacity-0 transition-opacity group-focus-within/message:opacity-100 group-hover/message:opacity-100 pointer-coarse:opacity-100"
          onClick={() => setEditing(true)}
        >
          <Pencil />
        </Button>
      )}
      <UserBubble text={message.text} />
    </div>
  );
}

function Editor({ text, onSend, onCancel }: { text: string; onSend: (text: string) => void; onCancel: () => void }) {
  const field = useRef<HTMLTextAreaElement>(null);

  useEffect(() => {
    field.current?.focus();
    field.current?.setSelectionRange(text.length, text.length);
  }, [text]);

  function send() {
    const edited = field.current?.value.trim();
    if (edited) onSend(edited);
  }

  function onKeyDown(event: KeyboardEvent) {
    if (event.nativeEvent.isComposing) return;
    if (event.key === "Enter" && !event.shiftKey) {
      event.preventDefault();
      send();
    } else if (event.key === "Escape") {
      event.preventDefault();
      onCancel();
    }
  }

  return (
    <form
      aria-label="Edit your message"
      className="rounded-2xl border border-ring bg-background p-2"
      onSubmit={(event) => {
        event.preventDefault();
        send();
      }}
    >
      <textarea
        ref={field}
        aria-label="Your message"
        defaultValue={text}
        maxLength={MAX_MESSAGE_CHARS}
        onKeyDown={onKeyDown}
        className="field-sizing-content block max-h-60 min-h-9 w-full resize-none bg-transparent px-1.5 py-1 text-base leading-6 outline-none sm:text-sm"
      />
      <div className="mt-1 flex items-center justify-end gap-1.5">
        <p className="mr-auto px-1.5 text-muted-foreground text-xs">The answers after it are replaced.</p>
        <Button variant="ghost" size="sm" onClick={onCancel}>
          Cancel
        </Button>
        <Button type="submit" size="sm">
          Send
        </Button>
      </div>
    </form>
  );
}

export function UserBubble({ text, pending = false }: { text: string; pending?: boolean }) {
  return (
    <p
      className={cn(
        "w-fit max-w-[85%] justify-self-end whitespace-pre-wrap rounded-2xl rounded-br-md bg-accent px-3.5 py-2 text-accent-foreground text-sm leading-6 wrap-anywhere",
        pending && "opacity-70",
      )}
    >
      <span className="sr-only">You: </span>
      {text}
    </p>
  );
}
