import { confirmationWords, stepOf } from "./steps";
import type { Thread } from "./thread";
import { awaiting, knownTitles, turnsOf } from "./turns";

const LONGEST = 600;

/** What a screen reader says once a turn is over: the answer without its Markdown, and what it asks for. */
export function spoken(thread: Thread): string {
  const answers = turnsOf(thread.messages).at(-1)?.answers ?? [];
  const text = answers.filter(({ role }) => role === "assistant").map((message) => plain(message.text));
  const waiting = awaiting(answers);
  if (waiting.length > 0)
    text.push(`The assistant wants to ${confirmationWords(waiting)} and waits for your confirmation.`);
  if (thread.ended === "cancelled") text.push("Stopped.");
  const words = text.filter(Boolean).join(" ") || steps(thread, answers);
  return words.length > LONGEST ? `${words.slice(0, LONGEST)}… The answer goes on in the chat.` : words;
}

function steps(thread: Thread, answers: Thread["messages"]) {
  const titles = knownTitles(thread.messages);
  const told = answers.filter(({ tool }) => tool).map((message) => stepOf(message, titles));
  return told.map(({ text, task }) => `${text} ${task?.title ?? ""}`.trim()).join(". ");
}

function plain(markdown: string) {
  return markdown
    .replace(/\[([^\]]*)\]\([^)]*\)/g, "$1")
    .replace(/^\s*(?:[-*+>#]|\|?[-:| ]+\|)+\s*$/gm, "")
    .replace(/^\s*(?:(?:#{1,6}|[-*+>]|\[[ x]\])\s+)+/gm, "")
    .replace(/[*_`~|]+/g, "")
    .replace(/\s+/g, " ")
    .trim();
}
