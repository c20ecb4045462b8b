"use client";

import { AlignLeft, Plus } from "lucide-react";
import { type FormEvent, type KeyboardEvent, type Ref, useId, useImperativeHandle, useRef, useState } from "react";
import { Button } from "@/components/ui/button";
import { SubmitButton } from "@/components/ui/submit-button";
import { checkTaskText } from "@/lib/tasks/check";
import type { TaskText } from "@/lib/tasks/mutations";
import { cn } from "@/lib/utils";

export type TaskComposerHandle = {
  focus: () => void;
  /** Puts back what could not be added, unless something new is being typed. */
  giveBack: (text: TaskText) => void;
};

type Props = { onAdd: (text: TaskText) => void; ref: Ref<TaskComposerHandle> };

export function TaskComposer({ onAdd, ref }: Props) {
  const id = useId();
  const title = useRef<HTMLInputElement>(null);
  const description = useRef<HTMLTextAreaElement>(null);
  const [described, setDescribed] = useState(false);
  const [error, setError] = useState<string>();

  useImperativeHandle(ref, () => ({
    focus: () => title.current?.focus(),
    giveBack: (text) => {
      if (!title.current || title.current.value) return;
      title.current.value = text.title;
      if (text.description) setDescribed(true);
      requestAnimationFrame(() => {
        if (description.current) description.current.value = text.description;
      });
    },
  }));

  function submit(event: FormEvent<HTMLFormElement>) {
    event.preventDefault();
    const form = event.currentTarget;
    const data = new FormData(form);
    const checked = checkTaskText(String(data.get("title")), String(data.get("description") ?? ""));
    title.current?.focus();
    setError(checked.error);
    if (!checked.text) return;
    form.reset();
    setDescribed(false);
    onAdd(checked.text);
  }

  function submitOnEnter(event: KeyboardEvent<HTMLTextAreaElement>) {
    if (event.key !== "Enter" || event.shiftKey || event.nativeEvent.isComposing) return;
    event.preventDefault();
    event.currentTarget.form?.requestSubmit();
  }

  return (
    <form
      method="post"
      noValidate
      onSubmit={submit}
      className="rounded-xl border bg-card shadow-card transition-colors focus-within:border-ring"
    >
      <div className="flex items-center gap-1 p-1.5 pl-3.5">
        <Plus className="size-5 shrink-0 text-primary" aria-hidden="true" />
        <label htmlFor={`${id}-title`} className="sr-only">
          New task
        </label>
        <input
          ref={title}
          id={`${id}-title`}
          name="title"
          placeholder="Add a task"
          autoComplete="off"
          enterKeyHint="done"
          aria-invalid={error ? true : undefined}
          aria-describedby={error ? `${id}-error` : undefined}
          onInput={() => setError(undefined)}
          className="h-11 min-w-0 flex-1 bg-transparent px-1.5 text-base outline-none placeholder:text-muted-foreground"
        />
        <Button
          variant="ghost"
          size="icon"
          className="size-10"
          aria-label="Add a description"
          aria-expanded={described}
          aria-controls={`${id}-description`}
          onClick={() => {
            setDescribed(!described);
            requestAnimationFrame(() => (described ? title : description).current?.focus());
          }}
        >
          <AlignLeft />
        </Button>
        <SubmitButton className="max-sm:px-3">Add</SubmitButton>
      </div>
      <div id={`${id}-description`} className={cn("border-t px-3.5 py-2", !described && "hidden")}>
        {described && (
          <>
            <label htmlFor={`${id}-text`} className="sr-only">
              Description (optional)
            </label>
            <textarea
              ref={description}
              id={`${id}-text`}
              name="description"
              rows={2}
              placeholder="Description (optional). Enter adds the task, Shift+Enter starts a new line."
              onKeyDown={submitOnEnter}
              onInput={() => setError(undefined)}
              className="block w-full resize-y bg-transparent p-1 text-base outline-none placeholder:text-muted-foreground sm:text-sm"
            />
          </>
        )}
      </div>
      {error && (
        <p id={`${id}-error`} role="alert" className="border-t px-4 py-2 text-destructive text-sm">
          {error}
        </p>
      )}
    </form>
  );
}
