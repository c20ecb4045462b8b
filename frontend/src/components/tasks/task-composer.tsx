"use client";

import { useQueryClient } from "@tanstack/react-query";
import { AlignLeft, Plus } from "lucide-react";
import {
  type FormEvent,
  type KeyboardEvent,
  type Ref,
  useEffect,
  useId,
  useImperativeHandle,
  useRef,
  useState,
} from "react";
import { Button } from "@/components/ui/button";
import { SubmitButton } from "@/components/ui/submit-button";
import { sameText, type TaskText } from "@/lib/tasks/text";
import { cn } from "@/lib/utils";

// Only adding a task needs these modules, so they are loaded after the page.
const loadAddTask = () => Promise.all([import("@/lib/tasks/add"), import("@/lib/tasks/check")]);

export type TaskComposerHandle = { focus: () => void };

function typedIn(form: HTMLFormElement): TaskText {
  const data = new FormData(form);
  return { title: String(data.get("title")), description: String(data.get("description") ?? "") };
}

export function TaskComposer({ ref }: { ref: Ref<TaskComposerHandle> }) {
  const id = useId();
  const client = useQueryClient();
  const form = useRef<HTMLFormElement>(null);
  const title = useRef<HTMLInputElement>(null);
  const description = useRef<HTMLTextAreaElement>(null);
  /** Typed once more, it is a retry: the server may have it already. */
  const refused = useRef<{ text: TaskText; key: string }>(undefined);
  const [described, setDescribed] = useState(false);
  const [error, setError] = useState<string>();

  useImperativeHandle(ref, () => ({ focus: () => title.current?.focus() }));
  useEffect(() => void loadAddTask(), []);

  function toggleDescription(open: boolean) {
    setDescribed(open);
    requestAnimationFrame(() => (open ? description : title).current?.focus());
  }

  /** What could not be added is put back, unless something new is being typed. */
  function giveBack(text: TaskText, key?: string) {
    if (!title.current || title.current.value || description.current?.value) return;
    refused.current = key ? { text, key } : undefined;
    title.current.value = text.title;
    if (!text.description) return;
    setDescribed(true);
    requestAnimationFrame(() => {
      if (description.current) description.current.value = text.description;
    });
  }

  function take(text: TaskText) {
    if (!form.current || !sameText(typedIn(form.current), text)) return;
    form.current.reset();
    setDescribed(false);
  }

  async function submit(event: FormEvent<HTMLFormElement>) {
    event.preventDefault();
    const typed = typedIn(event.currentTarget);
    event.currentTarget.reset();
    setDescribed(false);
    title.current?.focus();
    const [{ addTask }, { checkTaskText }] = await loadAddTask();
    const { text, error: problem } = checkTaskText(typed);
    setError(problem);
    if (!text) return giveBack(typed);
    const again = refused.current && sameText(refused.current.text, text) ? refused.current.key : undefined;
    refused.current = undefined;
    void addTask(client, text, { giveBack, take }, again);
  }

  function submitOnEnter(event: KeyboardEvent<HTMLTextAreaElement>) {
    if (event.key !== "Enter" || event.shiftKey || event.nativeEvent.isComposing) return;
    event.preventDefault();
    event.currentTarget.form?.requestSubmit();
  }

  return (
    <form
      ref={form}
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
          size="icon-lg"
          aria-label="Add a description"
          aria-expanded={described}
          aria-controls={`${id}-description`}
          onClick={() => toggleDescription(!described)}
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
