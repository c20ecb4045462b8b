import { headers } from "next/headers";
import { cache } from "react";
import type { User } from "@/lib/api/types";
import { getBackendUrl } from "@/server/config";

const BACKEND_TIMEOUT_MS = 3_000;

/** The user, according to the backend; "unknown" when the backend does not respond. */
export type Visitor = User | "signed-out" | "unknown";

export const getVisitor = cache(async (): Promise<Visitor> => {
  const incoming = await headers();
  const cookie = incoming.get("cookie");
  if (!cookie?.includes("todo_session=")) return "signed-out";
  const backendUrl = getBackendUrl();
  if (!backendUrl) return "unknown";
  const requestId = incoming.get("x-request-id");
  try {
    const response = await fetch(new URL("/api/auth/me", backendUrl), {
      headers: { cookie, ...(requestId && { "x-request-id": requestId }) },
      cache: "no-store",
      signal: AbortSignal.timeout(BACKEND_TIMEOUT_MS),
    });
    if (response.status === 401) return "signed-out";
    return response.ok ? ((await response.json()) as User) : "unknown";
  } catch {
    return "unknown";
  }
});

/** The path and query that the browser requested. */
export async function getRequestedPath() {
  return (await headers()).get("x-path") ?? "/";
}
