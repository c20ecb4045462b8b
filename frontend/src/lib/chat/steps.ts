import type { ChatMessage, MessageStatus, ToolUse } from "@/lib/api/types";
import { plural } from "@/lib/format";
import { isTask } from "./turns";

/** How the page describes one use of a tool: "Completed" and the task, or a whole sentence, and why it failed. */
type Step = {
  text: string;
  task?: { id: string | null; title: string };
  detail?: string;
};

type Verbs = { infinitive: string; running: string; done: string; declined?: string };

const VERBS: Record<string, Verbs> = {
  add_task: { infinitive: "add", running: "Adding", done: "Added" },
  complete_task: { infinitive: "complete", running: "Completing", done: "Completed" },
  reopen_task: { infinitive: "reopen", running: "Reopening", done: "Reopened" },
  update_task: { infinitive: "change", running: "Changing", done: "Changed" },
  delete_task: { infinitive: "delete", running: "Deleting", done: "Deleted", declined: "Kept" },
};

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

export function describeStep(message: ChatMessage, titles: ReadonlyMap<string, string>): Step {
  const { status, error } = message;
  const tool = toolUseOf(message);
  const detail = describeDetail(tool, status) ?? error?.detail;
  const task = findTask(tool, titles);
  const verbs = verbsFor(tool);
  const text =
    tool.name === "list_tasks"
      ? describeListing(tool, status)
      : verbs
        ? `${conjugate(verbs, status)}${task ? "" : " a task"}`
        : `${status === "failed" ? "Could not use" : "Used"} ${tool.name.replaceAll("_", " ")}`;
  return { text, ...(task && verbs && { task }), ...(detail && { detail }) };
}

/** "delete 3 tasks", for the button that confirms it. */
export function describeConfirmation(awaiting: ChatMessage[]) {
  const infinitives = new Set(awaiting.map((message) => verbsFor(toolUseOf(message))?.infinitive));
  const [infinitive] = infinitives;
  if (infinitives.size === 1 && infinitive) return `${infinitive} ${plural(awaiting.length, "task")}`;
  return `make ${plural(awaiting.length, "change")}`;
}

/** Makes sure that the arguments are an object, since a model may send anything. */
function toolUseOf({ tool }: ChatMessage): ToolUse {
  const { id = "", name = "tool", target, result } = tool ?? {};
  return { id, name, target, result, arguments: { ...tool?.arguments } };
}

/** An update that changes only the status has the verbs of "complete" or "reopen". */
function verbsFor({ name, arguments: { status, title, description } }: ToolUse): Verbs | undefined {
  if (name !== "update_task" || title !== undefined || description !== undefined) return VERBS[name];
  return VERBS[status === "pending" ? "reopen_task" : status === "completed" ? "complete_task" : name];
}

function conjugate({ infinitive, running, done, declined }: Verbs, status: MessageStatus): string {
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

function describeListing({ arguments: { q }, result }: ToolUse, status: MessageStatus) {
  const search = typeof q === "string" && q ? ` for “${q}”` : "";
  if (status === "failed" || status === "cancelled") return "Could not look at your tasks";
  if (status !== "done") return search ? `Looking${search}` : "Looking at your tasks";
  const count = plural(Array.isArray(result?.tasks) ? result.tasks.length : 0, "task");
  return search ? `Looked${search}: ${count}` : `Looked at ${count}`;
}

/**
 * The task in the result, or the one that the call may change. Before there is either, the task that the assistant named
 * by its id or its title.
 */
function findTask({ arguments: args, target, result }: ToolUse, titles: ReadonlyMap<string, string>): Step["task"] {
  if (isTask(result?.task)) return { id: result.task.id, title: result.task.title };
  if (target) return { id: target.id, title: target.title };
  const reference = args.task ?? args.title;
  if (typeof reference !== "string" || !reference) return undefined;
  const title = titles.get(reference);
  if (title !== undefined) return { id: reference, title };
  return UUID.test(reference) ? undefined : { id: null, title: reference };
}

/** Why a tool failed, or which new texts need confirmation: the user must see them before allowing them. */
function describeDetail({ name, arguments: { title, description }, result }: ToolUse, status: MessageStatus) {
  if (status === "failed" || status === "cancelled") {
    return typeof result?.detail === "string" ? result.detail : undefined;
  }
  if (status !== "awaiting") return undefined;
  if (name === "add_task") return typeof description === "string" && description ? `“${description}”` : undefined;
  if (name !== "update_task") return undefined;
  const changes = [
    typeof title === "string" && `New title: “${title}”.`,
    typeof description === "string" && (description ? `New description: “${description}”.` : "Without a description."),
  ];
  return changes.filter(Boolean).join(" ") || undefined;
}
