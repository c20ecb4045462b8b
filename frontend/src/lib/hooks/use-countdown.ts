import { useEffect, useState } from "react";
import type { ApiError } from "@/lib/api/problem";

/** Seconds until a refused attempt may be repeated; 0 when there is nothing to wait for. */
export function useCountdown(refusal: ApiError | null) {
  const [remaining, setRemaining] = useState(0);

  useEffect(() => {
    if (!refusal) return;
    const end = Date.now() + (refusal.retryAfter ?? 1) * 1000;
    const tick = () => {
      setRemaining(Math.max(0, Math.ceil((end - Date.now()) / 1000)));
      if (Date.now() >= end) clearInterval(timer);
    };
    const timer = setInterval(tick, 250);
    tick();
    return () => clearInterval(timer);
  }, [refusal]);

  return refusal ? remaining : 0;
}
