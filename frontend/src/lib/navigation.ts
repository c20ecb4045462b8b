import { signInPath } from "./next-path";

let leaving = false;

/** A full page load, so that nothing of the account before stays in memory. */
export const goTo = (path: string) => window.location.assign(path);

/** When the session turns out to be over; comes back to this page afterwards. */
export function goToSignIn() {
  const { pathname, search } = window.location;
  if (!leaving && pathname !== "/sign-in") goTo(signInPath(pathname + search));
}

/** Ends the session by one's own will: the news of its end, which can come first, then leads nowhere else. */
export async function leaveBy(end: () => Promise<unknown>) {
  leaving = true;
  try {
    await end();
  } catch (error) {
    leaving = false;
    throw error;
  }
  goTo("/sign-in");
}
