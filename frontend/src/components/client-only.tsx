"use client";

import { type ReactNode, Suspense, useState, useSyncExternalStore } from "react";

const subscribe = () => () => {};

/** False on the server and until the page reacts to input. */
export function useHydrated() {
  return useSyncExternalStore(
    subscribe,
    () => true,
    () => false,
  );
}

/** For components whose code the browser loads after the page; the fallback is shown until then. */
export function ClientOnly({ children, fallback = null }: { children: ReactNode; fallback?: ReactNode }) {
  return useHydrated() ? <Suspense fallback={fallback}>{children}</Suspense> : fallback;
}

/** Loads a lazy dialog when it is first opened. It stays mounted from then on, so that it can close properly. */
export function LazyDialog({ open, children }: { open: boolean; children: ReactNode }) {
  const [opened, setOpened] = useState(open);
  if (open && !opened) setOpened(true);
  return (opened || open) && <ClientOnly>{children}</ClientOnly>;
}
