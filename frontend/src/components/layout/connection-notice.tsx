"use client";

import { WifiOff } from "lucide-react";
import { useConnection } from "@/lib/connection";

const NOTICES = {
  offline:
    "You are offline. What you see may be out of date, and changes cannot be saved until the connection is back.",
  unreachable: "The server does not answer right now. Trying again…",
};

export function ConnectionNotice() {
  const connection = useConnection();
  return (
    <div role="status" className="contents">
      {connection !== "ok" && (
        <p className="flex items-center justify-center gap-2.5 bg-foreground px-4 py-2 text-background text-sm">
          <WifiOff className="size-4 shrink-0" aria-hidden="true" />
          {NOTICES[connection]}
        </p>
      )}
    </div>
  );
}
