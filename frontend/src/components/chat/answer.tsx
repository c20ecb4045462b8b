import { lazy } from "react";
import { ClientOnly } from "@/components/client-only";
import type { ChatMessage } from "@/lib/api/types";

const Markdown = lazy(() => import("./markdown"));

/** A text of the assistant. It is rendered as Markdown once the code for that is loaded. */
export function Answer({ message: { text, status, error }, last }: { message: ChatMessage; last: boolean }) {
  const failed = status === "failed" && !last;
  if (!text && !failed) return null;
  return (
    <div className="min-w-0 text-sm leading-6 wrap-anywhere">
      <span className="sr-only">Assistant: </span>
      {text && (
        <ClientOnly fallback={<p className="whitespace-pre-wrap">{text}</p>}>
          <Markdown text={text} />
        </ClientOnly>
      )}
      {failed && <p className="text-muted-foreground text-xs">{error?.detail ?? "This answer was not completed."}</p>}
      {status === "cancelled" && <p className="text-muted-foreground text-xs">Stopped.</p>}
    </div>
  );
}
