import { mutationOptions, type QueryClient } from "@tanstack/react-query";
import { announce } from "@/lib/announce";
import { errorMessage } from "@/lib/api/problem";
import { createTask } from "@/lib/api/tasks";
import { notify } from "@/lib/notify";
import { randomId } from "@/lib/utils";
import { createPlaceholder, putTasks, removeTasks } from "./cache";
import { refreshCounts } from "./refresh";
import type { TaskText } from "./text";

export function addMutation(client: QueryClient) {
  return mutationOptions({
    // One after the other, so that the tasks are stored in the order in which they were typed.
    scope: { id: "new-tasks" },
    mutationFn: ({ text, key }: { text: TaskText; key: string }) => createTask(text, key),
    onMutate: ({ text }) => {
      const placeholder = createPlaceholder(text.title, text.description);
      putTasks(client, [placeholder], { isNew: true });
      return placeholder;
    },
    onSuccess: (task, _variables, placeholder) => {
      putTasks(client, [task], { isNew: true });
      removeTasks(client, [placeholder.id]);
    },
    onError: (_error, _variables, placeholder) => placeholder && removeTasks(client, [placeholder.id]),
    onSettled: () => refreshCounts(client),
  });
}

/** What addTask does to the form in which the task was typed. */
type ComposerForm = {
  restoreDraft: (text: TaskText, key: string) => void;
  /** Empties the form if it still has this text. */
  clearDraft: (text: TaskText) => void;
};

/**
 * Shows a new task at once. If the server refuses it, the task disappears and its text goes back into the form. A retry
 * has the same idempotency key, so it cannot add the task twice.
 */
export async function addTask(client: QueryClient, text: TaskText, form?: ComposerForm, key = randomId()) {
  try {
    await client.getMutationCache().build(client, addMutation(client)).execute({ text, key });
    announce(`Added ${text.title}`);
  } catch (error) {
    form?.restoreDraft(text, key);
    const retry = (): Promise<void> => {
      form?.clearDraft(text);
      return addTask(client, text, form, key);
    };
    notify.error(`“${text.title}” was not added`, {
      description: errorMessage(error),
      action: { label: "Retry", onClick: retry },
    });
  }
}
