"use client";

import { useAsyncAction } from "@/lib/hooks/use-async-action";
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
  const { run, pending, error, clearError } = useAsyncAction(async () => {
    await onConfirm();
    onClose();
  });

  function close() {
    clearError();
    onClose();
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
