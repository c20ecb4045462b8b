"use client";

import { type ReactNode, Suspense } from "react";
import { useHydrated } from "@/lib/hooks/use-hydrated";

/** For components whose code the browser loads once the page is there; until then the fallback stands for them. */
export function ClientOnly({ children, fallback = null }: { children: ReactNode; fallback?: ReactNode }) {
  return useHydrated() ? <Suspense fallback={fallback}>{children}</Suspense> : fallback;
}
