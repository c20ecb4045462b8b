import type { ChatMessage, ConfirmedCall } from "@/lib/api/types";

/** A message of the user, and the texts and tool calls with which the assistant answered it. */
export type Turn = { question: ChatMessage | null; answers: ChatMessage[] };

export function groupIntoTurns(messages: ChatMessage[]): Turn[] {
  const turns: Turn[] = [];
  for (const message of messages) {
    if (message.role === "user") turns.push({ question: message, answers: [] });
    else if (turns.length > 0) turns.at(-1)?.answers.push(message);
    else turns.push({ question: null, answers: [message] });
  }
  return turns;
}

export const awaitingConfirmation = (messages: ChatMessage[]) => messages.filter(({ status }) => status === "awaiting");

/** Names the calls that await confirmation, and what each would change, as this tab shows them. */
export const nameCalls = (messages: ChatMessage[]): ConfirmedCall[] =>
  awaitingConfirmation(messages).flatMap(({ tool }) =>
    tool ? [{ id: tool.id, ...(tool.target && { task_id: tool.target.id, version: tool.target.version }) }] : [],
  );

/** The titles, by task id, of all tasks in the results of tools. */
export function collectTaskTitles(messages: ChatMessage[]): Map<string, string> {
  const titles = new Map<string, string>();
  for (const { tool } of messages) {
    const { task, tasks, candidates } = tool?.result ?? {};
    for (const value of [task, tasks, candidates].flat()) if (isTask(value)) titles.set(value.id, value.title);
  }
  return titles;
}

type TaskSummary = { id: string; title: string };

export function isTask(value: unknown): value is TaskSummary {
  return typeof value === "object" && value !== null && "id" in value && "title" in value;
}
