"use client";

import { type CSSProperties, type MouseEvent, type ReactNode, useId } from "react";
import { cn } from "@/lib/utils";

export const menuItem =
  "flex min-h-9 w-full items-center gap-2.5 rounded-lg px-2.5 py-1.5 text-left text-sm hover:bg-muted focus-visible:-outline-offset-2 [&_svg]:size-4 [&_svg]:text-muted-foreground";

type Props = { label: string; trigger: ReactNode; triggerClassName?: string; children: ReactNode };

/** A button that opens a panel of links and buttons. The browser closes it on Escape or on a click elsewhere. */
export function Menu({ label, trigger, triggerClassName, children }: Props) {
  const id = useId();
  const anchor = `--menu-${id.replace(/\W/g, "")}`;

  function closeAfterChoice({ target, currentTarget }: MouseEvent<HTMLDivElement>) {
    if (target instanceof Element && target.closest("a, button")) currentTarget.hidePopover();
  }

  return (
    <>
      <button
        type="button"
        popoverTarget={id}
        aria-label={label}
        className={triggerClassName}
        style={{ anchorName: anchor } as CSSProperties}
      >
        {trigger}
      </button>
      {/* biome-ignore lint/a11y/noStaticElementInteractions lint/a11y/useKeyWithClickEvents: the items inside are the controls */}
      <div
        id={id}
        popover="auto"
        onClick={closeAfterChoice}
        style={{ positionAnchor: anchor } as CSSProperties}
        className={cn(
          "pop-in inset-auto top-16 right-4 m-0 w-64 rounded-xl border bg-card p-1.5 text-foreground shadow-float",
          "supports-[anchor-name:--a]:top-[anchor(bottom)] supports-[anchor-name:--a]:right-[anchor(right)] supports-[anchor-name:--a]:mt-1.5",
        )}
      >
        {children}
      </div>
    </>
  );
}
