import { useEffect, useEffectEvent } from "react";
import { isShortcut, shortcutsEnabled } from "@/lib/shortcuts";

/** Single keys that work anywhere on the page, unless they are switched off. */
export function useKeys(keys: Record<string, () => void>) {
  const onKeyDown = useEffectEvent((event: KeyboardEvent) => {
    const run = keys[event.key];
    if (!run || !isShortcut(event)) return;
    // Escape is no character: nobody says or hits it by mistake.
    if (event.key !== "Escape" && !shortcutsEnabled()) return;
    event.preventDefault();
    run();
  });

  useEffect(() => {
    const listener = (event: KeyboardEvent) => onKeyDown(event);
    window.addEventListener("keydown", listener);
    return () => window.removeEventListener("keydown", listener);
  }, []);
}
