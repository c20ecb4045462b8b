"use client";

import { lazy } from "react";
import { ClientOnly } from "@/components/client-only";

const GlobalShortcuts = lazy(() => import("./global-shortcuts"));

export function Shortcuts() {
  return (
    <ClientOnly>
      <GlobalShortcuts />
    </ClientOnly>
  );
}
