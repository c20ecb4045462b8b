import { afterEach, expect, it, vi } from "vitest";
import { readEvents } from "@/lib/api/event-stream";

afterEach(() => void vi.useRealTimers());

it("closes a connection on which nothing arrives, and fails", async () => {
  vi.useFakeTimers();
  const cancel = vi.fn();
  const comment = new TextEncoder().encode(":\n\n") as Uint8Array<ArrayBuffer>;
  let controller: ReadableStreamDefaultController<Uint8Array<ArrayBuffer>> | undefined;
  const stream = new ReadableStream({
    start(opened) {
      controller = opened;
    },
    cancel,
  });
  const failed = vi.fn();
  const reading = readEvents(stream).next().catch(failed);
  await vi.advanceTimersByTimeAsync(30_000);
  controller?.enqueue(comment);
  await vi.advanceTimersByTimeAsync(30_000);
  expect(failed).not.toHaveBeenCalled();
  await vi.advanceTimersByTimeAsync(30_000);
  await reading;
  expect(failed).toHaveBeenCalledOnce();
  expect(cancel).toHaveBeenCalledOnce();
});
