import { signInPath } from "./next-path";

/** A full page load, so that nothing of the account before stays in memory. */
export const goTo = (path: string) => window.location.assign(path);

export function goToSignIn() {
  const { pathname, search } = window.location;
  if (pathname !== "/sign-in") goTo(signInPath(pathname + search));
}
