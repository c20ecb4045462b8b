import type { ChatMessage } from "@/lib/api/types";

/** What a person said, and all that followed from it. */
export type Turn = { question: ChatMessage | null; answers: ChatMessage[] };

export function turnsOf(messages: ChatMessage[]): Turn[] {
  const turns: Turn[] = [];
  for (const message of messages) {
    if (message.role === "user") turns.push({ question: message, answers: [] });
    else if (turns.length > 0) turns.at(-1)?.answers.push(message);
    else turns.push({ question: null, answers: [message] });
  }
  return turns;
}

export const awaiting = (messages: ChatMessage[]) => messages.filter(({ status }) => status === "awaiting");

/** Titles by id of every task that a tool has told of. */
export function knownTitles(messages: ChatMessage[]): Map<string, string> {
  const titles = new Map<string, string>();
  for (const { tool } of messages) {
    const { task, tasks, candidates } = tool?.result ?? {};
    for (const one of [task, tasks, candidates].flat()) if (isTask(one)) titles.set(one.id, one.title);
  }
  return titles;
}

type TaskLike = { id: string; title: string };

export function isTask(value: unknown): value is TaskLike {
  return typeof value === "object" && value !== null && "id" in value && "title" in value;
}
