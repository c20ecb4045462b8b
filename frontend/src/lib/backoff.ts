const RETRY_MIN_MS = 1_000;
const RETRY_MAX_MS = 30_000;

/** Delays between attempts that double each time. Half of a delay is random, so that clients do not retry in step. */
export function createBackoff() {
  let delay = RETRY_MIN_MS;
  const backoff = {
    reset() {
      delay = RETRY_MIN_MS;
    },

    /** The time to wait before the next attempt, in milliseconds. */
    nextDelay() {
      const current = delay * (0.5 + Math.random() / 2);
      delay = Math.min(delay * 2, RETRY_MAX_MS);
      return current;
    },

    /** Waits for the next delay, but not longer than until the network is back or `signal` is aborted. */
    wait(signal: AbortSignal) {
      return new Promise<void>((resolve) => {
        const done = () => {
          clearTimeout(timer);
          window.removeEventListener("online", done);
          signal.removeEventListener("abort", done);
          resolve();
        };
        const timer = setTimeout(done, backoff.nextDelay());
        window.addEventListener("online", done);
        signal.addEventListener("abort", done);
        if (signal.aborted) done();
      });
    },
  };
  return backoff;
}
