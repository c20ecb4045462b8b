const HOME_PATH = "/tasks";
const ORIGIN = "http://localhost";

let signingOut = false;

/** Returns `next` if it is a path of this site, and otherwise the tasks page: `?next=` must not leave this site. */
export function safeNextPath(next: string | null | undefined) {
  if (!next?.startsWith("/") || next.includes("\\") || !URL.canParse(next, ORIGIN)) return HOME_PATH;
  const url = new URL(next, ORIGIN);
  const path = url.pathname + url.search + url.hash;
  return url.origin === ORIGIN && !path.startsWith("//") ? path : HOME_PATH;
}

export const signInPath = (next: string) => `/sign-in?next=${encodeURIComponent(next)}`;

/** Whether the user is signing out. Requests in the background would then only be refused. */
export const isSigningOut = () => signingOut;

/** Loads a whole new page, so that nothing of the previous account stays in memory. */
export const goTo = (path: string) => window.location.assign(path);

/** Called when the session turns out to have ended. After the sign-in, the user returns to this page. */
export function goToSignIn() {
  const { pathname, search } = window.location;
  if (!signingOut && pathname !== "/sign-in") goTo(signInPath(pathname + search));
}

/**
 * Ends the session at the user's request and opens the sign-in page. The event stream may report the end of the session
 * before the request has returned. goToSignIn then does nothing, since the user does not want to return to this page.
 */
export async function goToSignInAfter(endSession: () => Promise<unknown>) {
  signingOut = true;
  try {
    await endSession();
  } catch (error) {
    signingOut = false;
    throw error;
  }
  goTo("/sign-in");
}
