import { createParser } from "eventsource-parser";
import type { ChatEvent } from "./types";

export type EventStream = ReadableStream<Uint8Array<ArrayBuffer>>;
export type NumberedEvent = { id: string | undefined; event: ChatEvent };

/** The server sends a comment every 15 s, so a connection without any data for this time is dead. */
const IDLE_TIMEOUT_MS = 45_000;

/** Yields the events of a stream as they arrive. Fails when the connection breaks or nothing arrives for too long. */
export async function* readEvents(stream: EventStream): AsyncGenerator<NumberedEvent> {
  const parsed: NumberedEvent[] = [];
  const parser = createParser({
    onEvent: ({ id, event: type, data }) => parsed.push({ id, event: { type, ...JSON.parse(data) } }),
  });
  const decoder = new TextDecoder();
  const reader = stream.getReader();
  try {
    for (;;) {
      const { done, value } = await withIdleTimeout(reader.read());
      if (done) return;
      parser.feed(decoder.decode(value, { stream: true }));
      yield* parsed.splice(0);
    }
  } finally {
    reader.cancel().catch(() => {});
  }
}

async function withIdleTimeout<T>(chunk: Promise<T>): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const timeout = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error("nothing was received")), IDLE_TIMEOUT_MS);
  });
  try {
    return await Promise.race([chunk, timeout]);
  } finally {
    clearTimeout(timer);
  }
}
