import { useEffect, useRef } from "react";

const DEBOUNCE_MS = 250;

/** Returns a function that passes a value on once no newer one has come for a moment. A delay of 0 skips the wait. */
export function useDebouncedCallback<T>(callback: (value: T) => void) {
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);

  useEffect(() => () => clearTimeout(timer.current), []);

  return (value: T, delayMs = DEBOUNCE_MS) => {
    clearTimeout(timer.current);
    timer.current = setTimeout(() => callback(value), delayMs);
  };
}
