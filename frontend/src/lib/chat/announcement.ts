import { EARLY_ENDS } from "./early-ends";
import { describeConfirmation, describeStep } from "./steps";
import type { Thread } from "./thread";
import { awaitingConfirmation, collectTaskTitles, groupIntoTurns } from "./turns";

const MAX_ANNOUNCEMENT_CHARS = 600;

/** The text for screen readers at the end of a turn: the answer without its Markdown, and what needs confirmation. */
export function turnAnnouncement(thread: Thread): string {
  const answers = groupIntoTurns(thread.messages).at(-1)?.answers ?? [];
  const sentences = answers.filter(({ role }) => role === "assistant").map(({ text }) => stripMarkdown(text));
  const awaiting = awaitingConfirmation(answers);
  if (awaiting.length > 0) {
    sentences.push(`The assistant wants to ${describeConfirmation(awaiting)} and waits for your confirmation.`);
  }
  if (thread.endReason === "cancelled") sentences.push("Stopped.");
  const end = thread.endReason && EARLY_ENDS[thread.endReason];
  if (end) sentences.push(end.text);
  const text = sentences.filter(Boolean).join(" ") || describeSteps(thread, answers);
  if (text.length <= MAX_ANNOUNCEMENT_CHARS) return text;
  return `${text.slice(0, MAX_ANNOUNCEMENT_CHARS)}… The answer goes on in the chat.`;
}

function describeSteps(thread: Thread, answers: Thread["messages"]) {
  const titles = collectTaskTitles(thread.messages);
  const steps = answers.filter(({ tool }) => tool).map((message) => describeStep(message, titles));
  return steps.map(({ text, task }) => `${text} ${task?.title ?? ""}`.trim()).join(". ");
}

function stripMarkdown(markdown: string) {
  return markdown
    .replace(/\[([^\]]*)\]\([^)]*\)/g, "$1")
    .replace(/^\s*(?:[-*+>#]|\|?[-:| ]+\|)+\s*$/gm, "")
    .replace(/^\s*(?:(?:#{1,6}|[-*+>]|\[[ x]\])\s+)+/gm, "")
    .replace(/[*_`~|]+/g, "")
    .replace(/\s+/g, " ")
    .trim();
}
