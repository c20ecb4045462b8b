import { createParser } from "eventsource-parser";
import type { ChatEvent } from "./types";

export type EventStream = ReadableStream<Uint8Array<ArrayBuffer>>;
export type NumberedEvent = { id: string | undefined; event: ChatEvent };

/** The server sends a comment every 15 s: without a byte for this long, the connection is dead. */
const SILENCE_MS = 45_000;

/** The events of an answer, as they arrive. Ends with the stream, and fails when it is cut or falls silent. */
export async function* readEvents(stream: EventStream): AsyncGenerator<NumberedEvent> {
  const arrived: NumberedEvent[] = [];
  const parser = createParser({
    onEvent: ({ id, event: type, data }) => arrived.push({ id, event: { type, ...JSON.parse(data) } }),
  });
  const decoder = new TextDecoder();
  const reader = stream.getReader();
  try {
    for (;;) {
      const { done, value } = await withinSilence(reader.read());
      if (done) return;
      parser.feed(decoder.decode(value, { stream: true }));
      yield* arrived.splice(0);
    }
  } finally {
    reader.cancel().catch(() => {});
  }
}

async function withinSilence<T>(chunk: Promise<T>): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const silence = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error("nothing was received")), SILENCE_MS);
  });
  try {
    return await Promise.race([chunk, silence]);
  } finally {
    clearTimeout(timer);
  }
}
