import { resumeTurn } from "@/lib/api/chat";
import { type EventStream, type NumberedEvent, readEvents } from "@/lib/api/event-stream";
import { ApiError } from "@/lib/api/problem";
import { createBackoff } from "@/lib/backoff";

type Handlers = {
  /** The conversation and the last event that was received; null before the server has named the conversation. */
  getPosition: () => { id: string; after: string } | null;
  /** Returns "stale" when an event is missing, so that the whole conversation has to be fetched again. */
  onEvent: (event: NumberedEvent) => "continue" | "done" | "stale";
  /** Fetches the whole conversation. Returns whether a turn is running. */
  refetch: () => Promise<boolean>;
  onReconnecting: (reconnecting: boolean) => void;
};

/**
 * Reads a turn to its end and reconnects as often as necessary. Fails when the server refuses to continue, or when the
 * first connection breaks before the server has named the conversation.
 */
export async function streamTurn(first: EventStream | null, handlers: Handlers, signal: AbortSignal) {
  const backoff = createBackoff();
  for (let stream = first ?? (await resume()); !signal.aborted; stream = await resume()) {
    const outcome = stream ? await read(stream) : "stale";
    if (signal.aborted || outcome === "done") return;
    if (outcome === "stale" && !(await handlers.refetch())) return;
    await pause();
  }

  async function read(stream: EventStream) {
    try {
      for await (const event of readEvents(stream)) {
        if (signal.aborted) return "done";
        backoff.reset();
        const outcome = handlers.onEvent(event);
        if (outcome !== "continue") return outcome;
      }
    } catch {
      // A connection that breaks or falls silent is handled like one that ends too early.
    }
    return "interrupted";
  }

  async function resume() {
    while (!signal.aborted) {
      const position = handlers.getPosition();
      if (!position) {
        throw new ApiError({ status: 0, code: "network", detail: "The connection broke before the answer began." });
      }
      try {
        const stream = await resumeTurn(position.id, position.after, signal);
        handlers.onReconnecting(false);
        return stream;
      } catch (error) {
        if (signal.aborted) return;
        if (!(error instanceof ApiError && error.unreachable)) throw error;
        await pause();
      }
    }
  }

  async function pause() {
    handlers.onReconnecting(true);
    await backoff.wait(signal);
  }
}
