import { resumeTurn } from "@/lib/api/chat";
import { type EventStream, type NumberedEvent, readEvents } from "@/lib/api/event-stream";
import { ApiError } from "@/lib/api/problem";
import { createBackoff } from "@/lib/backoff";

type Following = {
  /** Where to go on after a break; null before the server has told which conversation it is. */
  position: () => { id: string; after: string } | null;
  /** "torn" asks for everything anew, since something is missing. */
  receive: (event: NumberedEvent) => "more" | "over" | "torn";
  /** Fetches everything anew. Whether a turn is at work. */
  refresh: () => Promise<boolean>;
  onBreak: (broken: boolean) => void;
};

/**
 * Reads a turn to its end, over as many connections as it takes. Fails when the server refuses to go on, or when the
 * first connection breaks before it said what to come back for.
 */
export async function follow(first: EventStream | null, on: Following, signal: AbortSignal) {
  const backoff = createBackoff();
  for (let stream = first ?? (await resume()); !signal.aborted; stream = await resume()) {
    const outcome = stream ? await read(stream) : "torn";
    if (signal.aborted || outcome === "over") return;
    if (outcome === "torn" && !(await on.refresh())) return;
    await pause();
  }

  async function read(stream: EventStream) {
    try {
      for await (const event of readEvents(stream)) {
        if (signal.aborted) return "over";
        backoff.reset();
        const outcome = on.receive(event);
        if (outcome !== "more") return outcome;
      }
    } catch {
      // Cut or silent: the same as an end that came too early.
    }
    return "broken";
  }

  async function resume() {
    while (!signal.aborted) {
      const from = on.position();
      if (!from)
        throw new ApiError({ status: 0, code: "network", detail: "The connection broke before the answer began." });
      try {
        const stream = await resumeTurn(from.id, from.after, signal);
        on.onBreak(false);
        return stream;
      } catch (error) {
        if (signal.aborted) return;
        if (!(error instanceof ApiError && error.unreachable)) throw error;
        await pause();
      }
    }
  }

  async function pause() {
    on.onBreak(true);
    await backoff.wait(signal);
  }
}
