"use client";

import { useQueryClient } from "@tanstack/react-query";
import { Pencil, Trash2 } from "lucide-react";
import { type FormEvent, useEffect, useRef, useState } from "react";
import { Button } from "@/components/ui/button";
import { ConfirmDialog } from "@/components/ui/confirm-dialog";
import { Input } from "@/components/ui/input";
import { Spinner } from "@/components/ui/spinner";
import { announce } from "@/lib/announce";
import { deleteConversation, MAX_TITLE_CHARS, renameConversation } from "@/lib/api/chat";
import { ApiError, errorMessage } from "@/lib/api/problem";
import type { ConversationInfo } from "@/lib/api/types";
import { chatKeys } from "@/lib/chat/queries";
import { useChat } from "@/lib/chat/use-chat";
import { timeAgo } from "@/lib/format";
import { useAsyncAction } from "@/lib/hooks/use-async-action";
import { cn } from "@/lib/utils";

type Props = { conversation: ConversationInfo; current: boolean; onOpen: () => void; onDeleted: () => void };

export function ConversationRow({
  conversation: { id, title, updated_at, at_work },
  current,
  onOpen,
  onDeleted,
}: Props) {
  const client = useQueryClient();
  const [chat] = useChat();
  const [renaming, setRenaming] = useState(false);
  const [deleting, setDeleting] = useState(false);
  const row = useRef<HTMLButtonElement>(null);
  const refresh = () => client.invalidateQueries({ queryKey: chatKeys.lists });

  function endRenaming() {
    setRenaming(false);
    requestAnimationFrame(() => row.current?.focus());
  }

  async function rename(to: string) {
    await renameConversation(id, to);
    chat.onRenamed(id, to);
    await refresh();
    announce(`Renamed to ${to}`);
    endRenaming();
  }

  async function remove() {
    await deleteConversation(id).catch((error: unknown) => {
      if (!(error instanceof ApiError && error.status === 404)) throw error;
    });
    chat.onDeleted(id);
    await refresh();
    announce(`Deleted ${title}`);
    requestAnimationFrame(onDeleted);
  }

  if (renaming) return <RenameForm title={title} onSave={rename} onCancel={endRenaming} />;
  return (
    <li
      className={cn(
        "group/row flex items-center rounded-lg pr-1 hover:bg-muted",
        current && "bg-accent hover:bg-accent",
      )}
    >
      <button
        ref={row}
        type="button"
        aria-current={current || undefined}
        onClick={onOpen}
        className="min-w-0 flex-1 rounded-lg px-3 py-2 text-left focus-visible:-outline-offset-2"
      >
        <span className="block truncate text-sm">{title}</span>
        <span className="flex items-center gap-1.5 text-muted-foreground text-xs">
          {at_work ? (
            <>
              <Spinner /> At work
            </>
          ) : (
            timeAgo(updated_at)
          )}
        </span>
      </button>
      <div className="flex opacity-0 transition-opacity group-focus-within/row:opacity-100 group-hover/row:opacity-100 pointer-coarse:opacity-100">
        <Button variant="ghost" size="icon" aria-label={`Rename ${title}`} onClick={() => setRenaming(true)}>
          <Pencil />
        </Button>
        <Button variant="ghost" size="icon" aria-label={`Delete ${title}`} onClick={() => setDeleting(true)}>
          <Trash2 />
        </Button>
      </div>
      <ConfirmDialog
        open={deleting}
        onClose={() => setDeleting(false)}
        title={`Delete “${title}”?`}
        text="The conversation is deleted for good. Your tasks stay as they are."
        confirm="Delete"
        onConfirm={remove}
      />
    </li>
  );
}

type RenameFormProps = { title: string; onSave: (title: string) => Promise<void>; onCancel: () => void };

function RenameForm({ title, onSave, onCancel }: RenameFormProps) {
  const field = useRef<HTMLInputElement>(null);
  const newTitle = () => field.current?.value.trim() ?? "";
  const { run, pending, error } = useAsyncAction(() => onSave(newTitle()));

  useEffect(() => field.current?.select(), []);

  function save(event: FormEvent) {
    event.preventDefault();
    if (!newTitle() || newTitle() === title) onCancel();
    else void run();
  }

  return (
    <li className="rounded-lg bg-muted p-2">
      <form onSubmit={save} noValidate className="flex flex-wrap gap-1.5">
        <Input
          ref={field}
          aria-label="Title"
          aria-invalid={error ? true : undefined}
          defaultValue={title}
          maxLength={MAX_TITLE_CHARS}
          className="h-8 min-w-0 flex-1"
          onKeyDown={(event) => {
            if (event.key !== "Escape") return;
            event.preventDefault();
            onCancel();
          }}
        />
        <Button type="submit" size="sm" pending={pending}>
          Save
        </Button>
        <Button variant="ghost" size="sm" onClick={onCancel}>
          Cancel
        </Button>
        {error !== undefined && (
          <p role="alert" className="w-full text-destructive text-sm">
            {errorMessage(error)}
          </p>
        )}
      </form>
    </li>
  );
}
