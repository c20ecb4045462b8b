import { useCallback, useEffect, useRef, useState } from "react";

/** Up to this distance, the end counts as visible. */
const PIN_DISTANCE_PX = 48;

/** Keeps the end visible while the content grows, unless the user has scrolled away from it. */
export function usePinnedScroll() {
  const [container, setContainer] = useState<HTMLElement | null>(null);
  const [content, setContent] = useState<HTMLElement | null>(null);
  const [atEnd, setAtEnd] = useState(true);
  const pinned = useRef(true);

  const scrollToEnd = useCallback(() => {
    pinned.current = true;
    setAtEnd(true);
    container?.scrollTo({ top: container.scrollHeight });
  }, [container]);

  useEffect(() => {
    if (!container || !content) return;
    function onScroll() {
      if (!container) return;
      pinned.current = container.scrollHeight - container.scrollTop - container.clientHeight < PIN_DISTANCE_PX;
      setAtEnd(pinned.current);
    }
    const observer = new ResizeObserver(() => {
      if (pinned.current) container.scrollTop = container.scrollHeight;
    });
    observer.observe(content);
    observer.observe(container);
    container.addEventListener("scroll", onScroll, { passive: true });
    return () => {
      observer.disconnect();
      container.removeEventListener("scroll", onScroll);
    };
  }, [container, content]);

  return { containerRef: setContainer, contentRef: setContent, atEnd, scrollToEnd };
}
