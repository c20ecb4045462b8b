"use client";

import { useState } from "react";
import { announce } from "@/lib/announce";
import { errorMessage } from "@/lib/api/problem";
import { bulkTasks } from "@/lib/api/tasks";

const RESTORE_PERIOD_MS = 24 * 60 * 60 * 1000;

type Props = { task: { id: string; title: string }; deletedAt: string };

/** Undoes a deletion for as long as the server keeps the task. */
export function RestoreButton({ task: { id, title }, deletedAt }: Props) {
  const [state, setState] = useState<"deleted" | "restoring" | "restored">("deleted");
  const [error, setError] = useState<string>();
  if (Date.now() - Date.parse(deletedAt) > RESTORE_PERIOD_MS) return null;
  if (state === "restored") return <span>· restored</span>;

  async function restore() {
    if (state === "restoring") return;
    setState("restoring");
    try {
      const { not_found } = await bulkTasks("restore", [id]);
      setState(not_found.length > 0 ? "deleted" : "restored");
      if (not_found.length > 0) setError("This task is not kept any more.");
      else announce(`Restored ${title}`);
    } catch (failure) {
      setState("deleted");
      setError(errorMessage(failure));
    }
  }

  return (
    <>
      <button
        type="button"
        aria-label={`Restore ${title}`}
        onClick={restore}
        className="rounded px-1 font-medium text-primary underline-offset-4 hover:underline"
      >
        Undo
      </button>
      {error && (
        <span role="alert" className="block text-destructive text-xs">
          {error}
        </span>
      )}
    </>
  );
}
