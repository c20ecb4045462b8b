import { headers } from "next/headers";
import { cache } from "react";
import type { User } from "@/lib/api/types";
import { currentBackend } from "@/server/config";

const TIMEOUT_MS = 3_000;

/** The visitor as the backend knows them; "unknown" when it does not answer. */
export type Visitor = User | "signed-out" | "unknown";

export const visitor = cache(async (): Promise<Visitor> => {
  const incoming = await headers();
  const cookie = incoming.get("cookie");
  if (!cookie?.includes("todo_session=")) return "signed-out";
  const backend = currentBackend();
  if (!backend) return "unknown";
  const requestId = incoming.get("x-request-id");
  try {
    const answer = await fetch(new URL("/api/auth/me", backend), {
      headers: { cookie, ...(requestId && { "x-request-id": requestId }) },
      cache: "no-store",
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    if (answer.status === 401) return "signed-out";
    return answer.ok ? ((await answer.json()) as User) : "unknown";
  } catch {
    return "unknown";
  }
});

/** The path and query that the browser asked for. */
export async function requestedPath() {
  return (await headers()).get("x-path") ?? "/";
}
