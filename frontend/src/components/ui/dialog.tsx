"use client";

import { X } from "lucide-react";
import { type ReactNode, useEffect, useId, useRef } from "react";
import { Button } from "./button";

type Props = {
  open: boolean;
  onClose: () => void;
  title: string;
  description?: ReactNode;
  children: ReactNode;
};

/** Opens and closes a <dialog>. As a modal, it keeps the focus inside, closes on Escape and restores the focus. */
export function useModal(open: boolean) {
  const dialog = useRef<HTMLDialogElement>(null);

  useEffect(() => {
    if (open) dialog.current?.showModal();
    else dialog.current?.close();
  }, [open]);

  return dialog;
}

export function Dialog({ open, onClose, title, description, children }: Props) {
  const dialog = useModal(open);
  const id = useId();

  return (
    <dialog
      ref={dialog}
      onClose={onClose}
      aria-labelledby={`${id}-title`}
      aria-describedby={description ? `${id}-description` : undefined}
      className="pop-in m-auto max-h-[calc(100dvh-2rem)] w-[calc(100vw-2rem)] max-w-lg overflow-y-auto rounded-2xl border bg-card p-6 shadow-float"
    >
      {open && (
        <>
          <div className="mb-5 pr-8">
            <h2 id={`${id}-title`} className="font-semibold text-lg wrap-anywhere">
              {title}
            </h2>
            {description && (
              <div id={`${id}-description`} className="mt-1 text-muted-foreground text-sm">
                {description}
              </div>
            )}
          </div>
          {children}
          <Button
            variant="ghost"
            size="icon"
            className="absolute top-4 right-4"
            aria-label="Close"
            onClick={() => dialog.current?.close()}
          >
            <X />
          </Button>
        </>
      )}
    </dialog>
  );
}
