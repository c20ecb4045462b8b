import type { ChatMessage, MessageStatus, ToolUse } from "@/lib/api/types";
import { plural } from "@/lib/format";
import { isTask } from "./turns";

/** One use of a tool, in words: "Completed" + the task, or a whole sentence, and why it failed. */
export type Step = {
  text: string;
  task?: { id: string | null; title: string };
  detail?: string;
};

type Words = { infinitive: string; running: string; done: string; declined?: string };

const WORDS: Record<string, Words> = {
  add_task: { infinitive: "add", running: "Adding", done: "Added" },
  complete_task: { infinitive: "complete", running: "Completing", done: "Completed" },
  reopen_task: { infinitive: "reopen", running: "Reopening", done: "Reopened" },
  update_task: { infinitive: "change", running: "Changing", done: "Changed" },
  delete_task: { infinitive: "delete", running: "Deleting", done: "Deleted", declined: "Kept" },
};

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

export function stepOf(message: ChatMessage, titles: ReadonlyMap<string, string>): Step {
  const { status, error } = message;
  const tool = usage(message);
  const detail = detailOf(tool, status) ?? error?.detail;
  const task = taskOf(tool, titles);
  const words = wordsFor(tool);
  const text =
    tool.name === "list_tasks"
      ? looked(tool, status)
      : words
        ? `${verb(words, status)}${task ? "" : " a task"}`
        : `${status === "failed" ? "Could not use" : "Used"} ${tool.name.replaceAll("_", " ")}`;
  return { text, ...(task && words && { task }), ...(detail && { detail }) };
}

/** "delete 3 tasks", for the button that allows it. */
export function confirmationWords(waiting: ChatMessage[]) {
  const verbs = new Set(waiting.map((message) => wordsFor(usage(message))?.infinitive));
  const [only] = verbs;
  if (verbs.size === 1 && only) return `${only} ${plural(waiting.length, "task")}`;
  return `make ${plural(waiting.length, "change")}`;
}

/** What a model gives as arguments need not be an object. */
function usage({ tool }: ChatMessage): ToolUse {
  return { name: tool?.name ?? "tool", result: tool?.result, arguments: { ...tool?.arguments } };
}

/** A change of the status alone has a word of its own. */
function wordsFor({ name, arguments: { status, title, description } }: ToolUse): Words | undefined {
  if (name !== "update_task" || title !== undefined || description !== undefined) return WORDS[name];
  return WORDS[status === "pending" ? "reopen_task" : status === "completed" ? "complete_task" : name];
}

function verb({ infinitive, running, done, declined }: Words, status: MessageStatus): string {
  switch (status) {
    case "running":
      return running;
    case "awaiting":
      return `Wants to ${infinitive}`;
    case "failed":
      return `Could not ${infinitive}`;
    case "declined":
      return declined ?? `Did not ${infinitive}`;
    case "cancelled":
      return `Stopped ${running.toLowerCase()}`;
    default:
      return done;
  }
}

function looked({ arguments: { q }, result }: ToolUse, status: MessageStatus) {
  const about = typeof q === "string" && q ? ` for “${q}”` : "";
  if (status === "failed" || status === "cancelled") return "Could not look at your tasks";
  if (status !== "done") return about ? `Looking${about}` : "Looking at your tasks";
  const count = plural(Array.isArray(result?.tasks) ? result.tasks.length : 0, "task");
  return about ? `Looked${about}: ${count}` : `Looked at ${count}`;
}

/** As the tool answered; before that, as the assistant named it: by an id or by words. */
function taskOf({ arguments: given, result }: ToolUse, titles: ReadonlyMap<string, string>): Step["task"] {
  if (isTask(result?.task)) return { id: result.task.id, title: result.task.title };
  const named = given.task ?? given.title;
  if (typeof named !== "string" || !named) return undefined;
  const title = titles.get(named);
  if (title !== undefined) return { id: named, title };
  return UUID.test(named) ? undefined : { id: null, title: named };
}

/** Why it was not done, or what is to be changed to what: nobody can allow what they do not see. */
function detailOf({ name, arguments: { title, description }, result }: ToolUse, status: MessageStatus) {
  if (status === "failed" || status === "cancelled") {
    return typeof result?.detail === "string" ? result.detail : undefined;
  }
  if (status !== "awaiting" || name !== "update_task") return undefined;
  const changes = [
    typeof title === "string" && `New title: “${title}”.`,
    typeof description === "string" && (description ? `New description: “${description}”.` : "Without a description."),
  ];
  return changes.filter(Boolean).join(" ") || undefined;
}
