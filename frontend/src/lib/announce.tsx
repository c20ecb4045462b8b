import { create } from "zustand";

const useAnnouncement = create(() => ({ message: "" }));

/** Lets screen readers speak about a change that others see on the page. */
export function announce(text: string) {
  // Screen readers speak only about text that differs from the text before.
  useAnnouncement.setState(({ message }) => ({ message: text === message ? `${text}\u00a0` : text }));
}

export function LiveRegion() {
  const message = useAnnouncement((state) => state.message);
  return (
    <div aria-live="polite" className="sr-only">
      {message}
    </div>
  );
}
