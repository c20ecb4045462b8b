"use client";

import { type FormEvent, type KeyboardEvent, useEffect, useId, useRef, useState } from "react";
import { Button } from "@/components/ui/button";
import { Input, Textarea } from "@/components/ui/input";
import type { Task } from "@/lib/api/types";
import type { Draft } from "@/lib/hooks/use-drafts";
import { sameText, type TaskText } from "@/lib/tasks/text";
import { validateTaskText } from "@/lib/tasks/validation";
import { ConflictNotice } from "./conflict-notice";

type Props = {
  task: Task;
  draft: Draft;
  onSave: (base: Task, text: TaskText) => void;
  onCancel: () => void;
};

export function TaskEditor({ task, draft, onSave, onCancel }: Props) {
  const id = useId();
  const form = useRef<HTMLFormElement>(null);
  const title = useRef<HTMLInputElement>(null);
  const [invalid, setInvalid] = useState<string>();
  const conflict = !sameText(task, draft.base);
  const error = invalid ?? (conflict ? undefined : draft.error);

  // An editor that opens again because of an error must not take the focus from what the user is doing now.
  useEffect(() => {
    if (!draft.error) title.current?.select();
  }, [draft.error]);

  function save(base: Task) {
    if (!form.current) return;
    const data = new FormData(form.current);
    const checked = validateTaskText({
      title: String(data.get("title")),
      description: String(data.get("description")),
    });
    setInvalid(checked.error);
    if (checked.text) onSave(base, checked.text);
    else title.current?.focus();
  }

  function submit(event: FormEvent) {
    event.preventDefault();
    if (!conflict) save(draft.base);
  }

  function onKeyDown(event: KeyboardEvent<HTMLFormElement>) {
    if (event.nativeEvent.isComposing) return;
    if (event.key === "Escape") {
      event.preventDefault();
      event.stopPropagation();
      onCancel();
    } else if (event.key === "Enter" && event.target instanceof HTMLTextAreaElement && !event.shiftKey) {
      event.preventDefault();
      form.current?.requestSubmit();
    }
  }

  return (
    <form
      ref={form}
      method="post"
      noValidate
      aria-label={`Edit ${draft.base.title}`}
      onSubmit={submit}
      onKeyDown={onKeyDown}
      className="grid gap-2 bg-muted/40 p-3 sm:px-4"
    >
      <Input
        ref={title}
        name="title"
        aria-label="Title"
        autoComplete="off"
        defaultValue={draft.text.title}
        aria-invalid={error ? true : undefined}
        aria-describedby={error ? `${id}-error` : undefined}
        onInput={() => setInvalid(undefined)}
      />
      <Textarea
        name="description"
        aria-label="Description"
        placeholder="Description (optional)"
        rows={Math.min(6, Math.max(2, draft.text.description.split("\n").length))}
        defaultValue={draft.text.description}
        onInput={() => setInvalid(undefined)}
      />
      {error && (
        <p id={`${id}-error`} role="alert" className="text-destructive text-sm">
          {error}
        </p>
      )}
      {conflict ? (
        <ConflictNotice theirs={task} onKeepMine={() => save(task)} onTakeTheirs={onCancel} />
      ) : (
        <div className="flex items-center gap-2">
          <Button type="submit" size="sm">
            Save
          </Button>
          <Button variant="ghost" size="sm" onClick={onCancel}>
            Cancel
          </Button>
          <p className="ml-auto text-muted-foreground text-xs max-sm:hidden">
            Enter saves · Shift+Enter starts a line · Esc cancels
          </p>
        </div>
      )}
    </form>
  );
}
