import { useRef, useState } from "react";

/** Roving focus over rows, only some of which are in the document. */
export function useRowFocus(scrollTo: (id: string) => void) {
  const [activeId, setActiveId] = useState<string | null>(null);
  const elements = useRef(new Map<string, HTMLElement>());
  const pendingFocus = useRef<string | null>(null);

  function focus(id: string) {
    setActiveId(id);
    scrollTo(id);
    const element = elements.current.get(id);
    if (element) element.focus({ preventScroll: true });
    else pendingFocus.current = id;
  }

  const register = (id: string) => (element: HTMLElement | null) => {
    if (!element) return void elements.current.delete(id);
    elements.current.set(id, element);
    if (pendingFocus.current !== id) return;
    pendingFocus.current = null;
    element.focus({ preventScroll: true });
  };

  const hasFocus = (id: string) =>
    elements.current.get(id)?.closest("[data-task]")?.contains(document.activeElement) ?? false;

  return { activeId, activate: setActiveId, focus, register, hasFocus };
}
