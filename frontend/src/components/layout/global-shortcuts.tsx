"use client";

import { useRouter } from "next/navigation";
import { lazy, useEffect, useRef } from "react";
import { LazyDialog } from "@/components/client-only";
import {
  closeKeyboardHelp,
  isShortcut,
  openKeyboardHelp,
  shortcutsEnabled,
  useKeyboardHelpOpen,
} from "@/lib/shortcuts";

const KeyboardHelp = lazy(() => import("./keyboard-help"));

/** The time between "g" and the key of a page. */
const SEQUENCE_TIMEOUT_MS = 1_500;
const PAGES: Record<string, string> = { t: "/tasks", a: "/account" };

export function GlobalShortcuts() {
  const router = useRouter();
  const helpOpen = useKeyboardHelpOpen();
  const prefixPressedAt = useRef(Number.NEGATIVE_INFINITY);

  useEffect(() => {
    function onKeyDown(event: KeyboardEvent) {
      if (!isShortcut(event) || !shortcutsEnabled()) return;
      const page = PAGES[event.key];
      if (page && event.timeStamp - prefixPressedAt.current < SEQUENCE_TIMEOUT_MS) {
        event.preventDefault();
        event.stopImmediatePropagation();
        router.push(page);
      } else if (event.key === "?") {
        event.preventDefault();
        openKeyboardHelp();
      }
      prefixPressedAt.current = event.key === "g" ? event.timeStamp : Number.NEGATIVE_INFINITY;
    }
    window.addEventListener("keydown", onKeyDown);
    return () => window.removeEventListener("keydown", onKeyDown);
  }, [router]);

  return (
    <LazyDialog open={helpOpen}>
      <KeyboardHelp open={helpOpen} onClose={closeKeyboardHelp} />
    </LazyDialog>
  );
}
