const HOME = "/tasks";

/** A path of this site, or the tasks page: an address of another site in `?next=` leads nowhere. */
export function safeNextPath(next: string | null | undefined) {
  if (!next || !/^\/(?![/\\])[^\\]*$/.test(next)) return HOME;
  const url = new URL(next, "http://localhost");
  const path = url.pathname + url.search + url.hash;
  return url.origin === "http://localhost" && !path.startsWith("//") ? path : HOME;
}

export const signInPath = (next: string) => `/sign-in?next=${encodeURIComponent(next)}`;
