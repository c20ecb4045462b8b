import type { ChatMessage, MessageStatus } from "@/lib/api/types";
import { plural } from "@/lib/format";
import { isTask } from "./turns";

/** One use of a tool, in words: "Completed" + the task, or a whole sentence, and why it failed. */
export type Step = {
  text: string;
  task?: { id: string | null; title: string };
  detail?: string;
};

type Words = Partial<Record<MessageStatus, string>> & { running: string; done: string; infinitive: string };

const WORDS: Record<string, Words> = {
  add_task: { running: "Adding", done: "Added", infinitive: "add" },
  complete_task: { running: "Completing", done: "Completed", infinitive: "complete" },
  update_task: { running: "Changing", done: "Changed", infinitive: "change" },
  delete_task: { running: "Deleting", done: "Deleted", infinitive: "delete", declined: "Kept" },
};

export function stepOf({ tool, status, error }: ChatMessage, titles: ReadonlyMap<string, string>): Step {
  if (!tool) return { text: "" };
  const failure = status === "failed" ? (detailOf(tool.result) ?? error?.detail) : undefined;
  const detail = failure && { detail: failure };
  if (tool.name === "list_tasks") return { text: looked(tool, status), ...detail };
  const words = WORDS[tool.name];
  const task = taskOf(tool, titles);
  if (!words) return { text: `${unknown[status] ?? "Used"} ${tool.name.replaceAll("_", " ")}`, ...detail };
  const text = verb(words, status);
  return { text: task ? text : `${text} a task`, ...(task && { task }), ...detail };
}

/** "delete 3 tasks", for the button that allows it. */
export function confirmationWords(waiting: ChatMessage[]) {
  const names = new Set(waiting.map(({ tool }) => tool?.name));
  const [name] = names;
  const words = names.size === 1 && name ? WORDS[name] : undefined;
  return words ? `${words.infinitive} ${plural(waiting.length, "task")}` : `do these ${waiting.length} things`;
}

const unknown: Partial<Record<MessageStatus, string>> = { running: "Using", failed: "Could not use" };

function verb(words: Words, status: MessageStatus): string {
  switch (status) {
    case "failed":
      return `Could not ${words.infinitive}`;
    case "awaiting":
      return `Wants to ${words.infinitive}`;
    case "declined":
      return words.declined ?? `Did not ${words.infinitive}`;
    case "cancelled":
      return `Did not ${words.infinitive}`;
    case "running":
      return words.running;
    default:
      return words.done;
  }
}

function looked({ arguments: { q }, result }: NonNullable<ChatMessage["tool"]>, status: MessageStatus) {
  const about = typeof q === "string" && q ? ` for “${q}”` : "";
  if (status === "failed" || status === "cancelled") return "Could not look at your tasks";
  if (status !== "done") return about ? `Looking${about}` : "Looking at your tasks";
  const count = Array.isArray(result?.tasks) ? result.tasks.length : 0;
  return about ? `Looked${about}: ${plural(count, "task")}` : `Looked at ${plural(count, "task")}`;
}

/** As the tool answered; before that, as the assistant named it. */
function taskOf({ arguments: given, result }: NonNullable<ChatMessage["tool"]>, titles: ReadonlyMap<string, string>) {
  if (isTask(result?.task)) return result.task;
  const id = typeof given.id === "string" ? given.id : null;
  const title = (id && titles.get(id)) ?? (typeof given.title === "string" ? given.title : undefined);
  return title === undefined || title === null ? undefined : { id, title: String(title) };
}

function detailOf(result: Record<string, unknown> | null) {
  return typeof result?.detail === "string" ? result.detail : undefined;
}
