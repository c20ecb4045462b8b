import { lazy } from "react";
import { ClientOnly } from "@/components/client-only";
import type { ChatMessage } from "@/lib/api/types";

const Markdown = lazy(() => import("./markdown"));

/** A text of the assistant. It is rendered as Markdown once the code for that is loaded. */
export function Answer({ message, last }: { message: ChatMessage; last: boolean }) {
  const { text, reasoning, status, error, end_reason } = message;
  const failed = status === "failed" && !last;
  if (!text && !reasoning && !failed) return null;
  return (
    <div className="min-w-0 text-sm leading-6 wrap-anywhere">
      <span className="sr-only">Assistant: </span>
      {reasoning && (
        <details className="text-muted-foreground text-xs">
          <summary className="w-fit cursor-pointer">Thoughts</summary>
          <p className="mt-1 whitespace-pre-wrap border-l-2 pl-3">{reasoning.trim()}</p>
        </details>
      )}
      {text && (
        <ClientOnly fallback={<p className="whitespace-pre-wrap">{text}</p>}>
          <Markdown text={text} />
        </ClientOnly>
      )}
      {failed && <p className="text-muted-foreground text-xs">{error?.detail ?? "This answer was not completed."}</p>}
      {end_reason === "length" && !last && <p className="text-muted-foreground text-xs">This answer was cut off.</p>}
      {status === "cancelled" && <p className="text-muted-foreground text-xs">Stopped.</p>}
    </div>
  );
}
