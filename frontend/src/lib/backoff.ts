const FIRST_DELAY = 1_000;
const LONGEST_DELAY = 30_000;

/** Waits longer each time, half of it by chance, so that not all come back in the same moment. */
export function createBackoff() {
  let delay = FIRST_DELAY;
  return {
    reset() {
      delay = FIRST_DELAY;
    },
    /** Ends early when the network is back or `signal` says that nobody waits any more. */
    wait(signal: AbortSignal) {
      const time = delay * (0.5 + Math.random() / 2);
      delay = Math.min(delay * 2, LONGEST_DELAY);
      return new Promise<void>((resolve) => {
        const done = () => {
          clearTimeout(timer);
          window.removeEventListener("online", done);
          signal.removeEventListener("abort", done);
          resolve();
        };
        const timer = setTimeout(done, time);
        window.addEventListener("online", done);
        signal.addEventListener("abort", done);
        if (signal.aborted) done();
      });
    },
  };
}
