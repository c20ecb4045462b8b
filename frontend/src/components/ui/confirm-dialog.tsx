"use client";

import { useState } from "react";
import { ErrorAlert } from "./alert";
import { Button } from "./button";
import { Dialog } from "./dialog";

type Props = {
  open: boolean;
  onClose: () => void;
  title: string;
  text: string;
  confirm: string;
  onConfirm: () => Promise<void>;
};

export function ConfirmDialog({ open, onClose, title, text, confirm, onConfirm }: Props) {
  const [error, setError] = useState<unknown>();
  const [pending, setPending] = useState(false);

  function close() {
    setError(undefined);
    onClose();
  }

  async function run() {
    if (pending) return;
    setPending(true);
    setError(undefined);
    try {
      await onConfirm();
      close();
    } catch (failure) {
      setError(failure);
    } finally {
      setPending(false);
    }
  }

  return (
    <Dialog open={open} onClose={close} title={title} description={text}>
      <ErrorAlert error={error} className="mb-4" />
      <div className="flex justify-end gap-2">
        <Button variant="outline" onClick={close}>
          Cancel
        </Button>
        <Button variant="danger" pending={pending} onClick={run}>
          {confirm}
        </Button>
      </div>
    </Dialog>
  );
}
