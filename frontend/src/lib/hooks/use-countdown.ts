import { useEffect, useState } from "react";
import type { ApiError } from "@/lib/api/problem";

/** The seconds until a request that was refused may be repeated; 0 when there is no error. */
export function useCountdown(error: ApiError | null) {
  const [remaining, setRemaining] = useState(0);

  useEffect(() => {
    if (!error) return;
    const endTime = Date.now() + (error.retryAfter ?? 1) * 1000;
    const tick = () => {
      setRemaining(Math.max(0, Math.ceil((endTime - Date.now()) / 1000)));
      if (Date.now() >= endTime) clearInterval(timer);
    };
    const timer = setInterval(tick, 250);
    tick();
    return () => clearInterval(timer);
  }, [error]);

  return error ? remaining : 0;
}
