import { type RefObject, useLayoutEffect, useState } from "react";

/** How far below the top of the page an element begins, kept up to date when what is above it grows. */
export function useOffsetTop(ref: RefObject<HTMLElement | null>) {
  const [offset, setOffset] = useState(0);

  useLayoutEffect(() => {
    const measure = () => {
      if (ref.current) setOffset(Math.round(ref.current.getBoundingClientRect().top + window.scrollY));
    };
    const observer = new ResizeObserver(measure);
    observer.observe(document.body);
    measure();
    return () => observer.disconnect();
  }, [ref]);

  return offset;
}
