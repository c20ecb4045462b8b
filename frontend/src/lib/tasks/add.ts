import { mutationOptions, type QueryClient } from "@tanstack/react-query";
import { announce } from "@/lib/announce";
import { messageOf } from "@/lib/api/problem";
import { createTask } from "@/lib/api/tasks";
import { notify } from "@/lib/notify";
import { randomId } from "@/lib/utils";
import { dropTasks, provisional, putTasks } from "./cache";
import { refreshCounts } from "./refresh";
import type { TaskText } from "./text";

export function addMutation(client: QueryClient) {
  return mutationOptions({
    // In the order of typing.
    scope: { id: "new-tasks" },
    mutationFn: ({ text, key }: { text: TaskText; key: string }) => createTask(text, key),
    onMutate: ({ text }) => {
      const task = provisional(text.title, text.description);
      putTasks(client, [task], { fresh: true });
      return task;
    },
    onSuccess: (task, _variables, shown) => {
      putTasks(client, [task], { fresh: true });
      dropTasks(client, [shown.id]);
    },
    onError: (_error, _variables, shown) => shown && dropTasks(client, [shown.id]),
    onSettled: () => refreshCounts(client),
  });
}

/** The field that a new task was typed into. */
export type Typed = {
  giveBack: (text: TaskText, key: string) => void;
  /** Empties the field if it holds this text. */
  take: (text: TaskText) => void;
};

/** Shown at once, and taken back with the text not lost when the server refuses. A retry cannot add it twice. */
export async function addTask(client: QueryClient, text: TaskText, typed?: Typed, key = randomId()): Promise<void> {
  try {
    await client.getMutationCache().build(client, addMutation(client)).execute({ text, key });
    announce(`Added ${text.title}`);
  } catch (error) {
    typed?.giveBack(text, key);
    const retry = () => {
      typed?.take(text);
      return addTask(client, text, typed, key);
    };
    notify.failed(`“${text.title}” was not added`, {
      description: messageOf(error),
      action: { label: "Retry", run: retry },
    });
  }
}
