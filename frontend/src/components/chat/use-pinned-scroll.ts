import { useCallback, useEffect, useRef, useState } from "react";

const NEAR_PX = 48;

/** Keeps the end in view while it grows, unless the person has scrolled away from it. */
export function usePinnedScroll() {
  const [outer, setOuter] = useState<HTMLElement | null>(null);
  const [inner, setInner] = useState<HTMLElement | null>(null);
  const [away, setAway] = useState(false);
  const pinned = useRef(true);

  const toEnd = useCallback(() => {
    pinned.current = true;
    setAway(false);
    outer?.scrollTo({ top: outer.scrollHeight });
  }, [outer]);

  useEffect(() => {
    if (!outer || !inner) return;
    function onScroll() {
      if (!outer) return;
      pinned.current = outer.scrollHeight - outer.scrollTop - outer.clientHeight < NEAR_PX;
      setAway(!pinned.current);
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

  return { outer: setOuter, inner: setInner, away, toEnd };
}
