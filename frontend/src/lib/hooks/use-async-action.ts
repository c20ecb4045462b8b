import { useState } from "react";

/** Runs an action that can fail, but not while it is already running. */
export function useAsyncAction(action: () => Promise<unknown>) {
  const [error, setError] = useState<unknown>();
  const [pending, setPending] = useState(false);

  async function run() {
    if (pending) return;
    setPending(true);
    setError(undefined);
    try {
      await action();
    } catch (failure) {
      setError(failure);
    } finally {
      setPending(false);
    }
  }

  return { run, pending, error, clearError: () => setError(undefined) };
}
