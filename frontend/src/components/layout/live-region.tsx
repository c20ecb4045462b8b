"use client";

import { useAnnouncement } from "@/lib/announce";

export function LiveRegion() {
  return (
    <div aria-live="polite" className="sr-only">
      {useAnnouncement()}
    </div>
  );
}
