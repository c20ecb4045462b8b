"use client";

import { ArrowUp, Square } from "lucide-react";
import { type KeyboardEvent, type Ref, useEffect, useId, useImperativeHandle, useRef, useState } from "react";
import { Button } from "@/components/ui/button";
import { MAX_MESSAGE_CHARS } from "@/lib/api/chat";
import { isWorking } from "@/lib/chat/chat";
import { registerComposer } from "@/lib/chat/panel";
import { useChat } from "@/lib/chat/use-chat";
import { formatNumber } from "@/lib/format";

export type ComposerHandle = { restoreDraft: (text: string) => void };

const TOO_LONG_ERROR = `A message has at most ${formatNumber(MAX_MESSAGE_CHARS)} characters.`;

export function Composer({ model, ref }: { model: string | null; ref: Ref<ComposerHandle> }) {
  const id = useId();
  const [chat, state] = useChat();
  const field = useRef<HTMLTextAreaElement>(null);
  const [length, setLength] = useState(chat.draft.trim().length);
  const working = isWorking(state);
  const tooLong = length > MAX_MESSAGE_CHARS;

  function saveDraft(text: string) {
    chat.draft = text;
    setLength(text.trim().length);
  }

  function restoreDraft(text: string) {
    if (!field.current) return;
    field.current.value = text;
    saveDraft(text);
    field.current.focus();
  }

  useImperativeHandle(ref, () => ({ restoreDraft }));
  useEffect(() => registerComposer(() => field.current?.focus()), []);

  function send() {
    const text = chat.draft.trim();
    if (!text || tooLong || working) return;
    restoreDraft("");
    void chat.send(text);
  }

  function onKeyDown(event: KeyboardEvent) {
    if (event.nativeEvent.isComposing) return;
    if (event.key === "Enter" && !event.shiftKey) {
      event.preventDefault();
      send();
    } else if (event.key === "Escape") {
      if (!working) return field.current?.blur();
      event.preventDefault();
      chat.stop();
    } else if (event.key === "ArrowUp" && !chat.draft) {
      const edits = document.querySelectorAll<HTMLElement>("[data-edit-message]");
      const last = [...edits].at(-1);
      if (!last) return;
      event.preventDefault();
      last.click();
    }
  }

  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        send();
      }}
      className="shrink-0 px-3 pt-1 pb-3"
    >
      <div className="flex items-end gap-1 rounded-2xl border border-input bg-background p-1.5 pl-3.5 shadow-xs focus-within:border-ring">
        <label htmlFor={id} className="sr-only">
          Message to the assistant
        </label>
        <textarea
          ref={field}
          id={id}
          rows={1}
          defaultValue={chat.draft}
          placeholder="Ask a question or request a change"
          enterKeyHint="send"
          autoComplete="off"
          aria-invalid={tooLong || undefined}
          aria-describedby={`${id}-note`}
          onInput={(event) => saveDraft(event.currentTarget.value)}
          onKeyDown={onKeyDown}
          className="field-sizing-content max-h-40 min-h-9 min-w-0 flex-1 resize-none bg-transparent py-1.5 text-base leading-6 outline-none placeholder:text-muted-foreground sm:text-sm"
        />
        {working ? (
          <Button
            variant="outline"
            size="square"
            className="rounded-xl"
            aria-label="Stop"
            title="Stop (Esc)"
            pending={state.stopping}
            onClick={() => {
              chat.stop();
              field.current?.focus();
            }}
          >
            {!state.stopping && <Square fill="currentColor" />}
          </Button>
        ) : (
          <Button
            type="submit"
            size="square"
            className="rounded-xl"
            aria-label="Send"
            title="Send (Enter)"
            disabled={length === 0 || tooLong}
          >
            <ArrowUp />
          </Button>
        )}
      </div>
      <p id={`${id}-note`} className="mt-1.5 truncate px-1 text-center text-muted-foreground text-xs">
        {tooLong ? (
          <span role="alert" className="text-destructive">
            {TOO_LONG_ERROR} This one has {formatNumber(length)}.
          </span>
        ) : (
          <>The assistant can be wrong.{model && ` Model: ${model}`}</>
        )}
      </p>
    </form>
  );
}
