const HOME = "/tasks";
const ORIGIN = "http://localhost";

/** A path of this site, or the tasks page: an address of another site in `?next=` leads nowhere. */
export function safeNextPath(next: string | null | undefined) {
  if (!next?.startsWith("/") || next.includes("\\") || !URL.canParse(next, ORIGIN)) return HOME;
  const url = new URL(next, ORIGIN);
  const path = url.pathname + url.search + url.hash;
  return url.origin === ORIGIN && !path.startsWith("//") ? path : HOME;
}

export const signInPath = (next: string) => `/sign-in?next=${encodeURIComponent(next)}`;
