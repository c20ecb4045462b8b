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
const loadAddTask = () => Promise.all([import("@/lib/tasks/add"), import("@/lib/tasks/validation")]);

export type TaskComposerHandle = { focus: () => void };

function readForm(form: HTMLFormElement): TaskText {
  const data = new FormData(form);
  return { title: String(data.get("title")), description: String(data.get("description") ?? "") };
}

export function TaskComposer({ ref }: { ref: Ref<TaskComposerHandle> }) {
  const id = useId();
  const client = useQueryClient();
  const form = useRef<HTMLFormElement>(null);
  const title = useRef<HTMLInputElement>(null);
  const description = useRef<HTMLTextAreaElement>(null);
  /** The text that could not be added. The same text again is a retry: the server may have stored it already. */
  const failedDraft = useRef<{ text: TaskText; key: string }>(undefined);
  const [descriptionOpen, setDescriptionOpen] = useState(false);
  const [error, setError] = useState<string>();

  useImperativeHandle(ref, () => ({ focus: () => title.current?.focus() }));
  useEffect(() => void loadAddTask(), []);

  function toggleDescription(open: boolean) {
    setDescriptionOpen(open);
    requestAnimationFrame(() => (open ? description : title).current?.focus());
  }

  /** Puts a text that could not be added back into the form, unless the user is typing another one. */
  function restoreDraft(text: TaskText, key?: string) {
    if (!title.current || title.current.value || description.current?.value) return;
    failedDraft.current = key ? { text, key } : undefined;
    title.current.value = text.title;
    if (!text.description) return;
    setDescriptionOpen(true);
    requestAnimationFrame(() => {
      if (description.current) description.current.value = text.description;
    });
  }

  function clearDraft(text: TaskText) {
    if (!form.current || !sameText(readForm(form.current), text)) return;
    form.current.reset();
    setDescriptionOpen(false);
  }

  async function submit(event: FormEvent<HTMLFormElement>) {
    event.preventDefault();
    const draft = readForm(event.currentTarget);
    event.currentTarget.reset();
    setDescriptionOpen(false);
    title.current?.focus();
    const [{ addTask }, { validateTaskText }] = await loadAddTask();
    const checked = validateTaskText(draft);
    setError(checked.error);
    if (!checked.text) return restoreDraft(draft);
    const retryKey =
      failedDraft.current && sameText(failedDraft.current.text, checked.text) ? failedDraft.current.key : undefined;
    failedDraft.current = undefined;
    void addTask(client, checked.text, { restoreDraft, clearDraft }, retryKey);
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
          aria-expanded={descriptionOpen}
          aria-controls={`${id}-description`}
          onClick={() => toggleDescription(!descriptionOpen)}
        >
          <AlignLeft />
        </Button>
        <SubmitButton className="max-sm:px-3">Add</SubmitButton>
      </div>
      <div id={`${id}-description`} className={cn("border-t px-3.5 py-2", !descriptionOpen && "hidden")}>
        {descriptionOpen && (
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
