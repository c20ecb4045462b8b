import { type RefObject, useLayoutEffect, useState } from "react";

/** The distance of an element from the top of the page, which is measured again when the page changes its size. */
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
