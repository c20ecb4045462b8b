import { useCallback, useEffect, useRef, useState } from "react";

/** Up to this distance, the end counts as visible. */
const PIN_DISTANCE_PX = 48;

/** Keeps the end visible while the content grows, unless the user has scrolled away from it. */
export function usePinnedScroll() {
  const [outer, setOuter] = useState<HTMLElement | null>(null);
  const [inner, setInner] = useState<HTMLElement | null>(null);
  const [atEnd, setAtEnd] = useState(true);
  const pinned = useRef(true);

  const scrollToEnd = useCallback(() => {
    pinned.current = true;
    setAtEnd(true);
    outer?.scrollTo({ top: outer.scrollHeight });
  }, [outer]);

  useEffect(() => {
    if (!outer || !inner) return;
    function onScroll() {
      if (!outer) return;
      pinned.current = outer.scrollHeight - outer.scrollTop - outer.clientHeight < PIN_DISTANCE_PX;
      setAtEnd(pinned.current);
    }
    const observer = new ResizeObserver(() => {
      if (pinned.current) outer.scrollTop = outer.scrollHeight;
    });
    observer.observe(inner);
    observer.observe(outer);
    outer.addEventListener("scroll", onScroll, { passive: true });
    return () => {
      observer.disconnect();
      outer.removeEventListener("scroll", onScroll);
    };
  }, [outer, inner]);

  return { outer: setOuter, inner: setInner, atEnd, scrollToEnd };
}
