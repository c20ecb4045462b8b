import type { Turn as TurnData } from "@/lib/chat/turns";
import { Answer } from "./answer";
import { ToolStep } from "./tool-step";
import { UserMessage } from "./user-message";

type Props = {
  turn: TurnData;
  titles: ReadonlyMap<string, string>;
  last: boolean;
  onResend: ((seq: number, text: string) => void) | undefined;
};

/** A question, the steps that the assistant took, and its texts. */
export function Turn({ turn: { question, answers }, titles, last, onResend }: Props) {
  return (
    <article aria-label={question ? `You asked: ${question.text.slice(0, 80)}` : "Answer"} className="grid gap-3">
      {question && <UserMessage key={question.text} message={question} onResend={onResend} />}
      {answers.map((message) =>
        message.role === "tool" ? (
          <ToolStep key={message.seq} message={message} titles={titles} />
        ) : (
          <Answer key={message.seq} message={message} last={last} />
        ),
      )}
    </article>
  );
}
