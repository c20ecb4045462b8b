import { useState } from "react";
import type { Task } from "@/lib/api/types";
import type { TaskText } from "@/lib/tasks/text";

/** The unsaved text of a task. `base` is the task as it was when the user began to edit. */
export type Draft = { base: Task; text: TaskText; error?: string };

export function useDrafts() {
  const [drafts, setDrafts] = useState<Readonly<Record<string, Draft>>>({});
  return {
    get: (id: string) => drafts[id],
    open: (draft: Draft) => setDrafts((current) => ({ ...current, [draft.base.id]: draft })),
    close: (id: string) => setDrafts(({ [id]: _, ...rest }) => rest),
  };
}

export type Drafts = ReturnType<typeof useDrafts>;
