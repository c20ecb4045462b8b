"use client";

import { useQueryClient } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { Alert } from "@/components/ui/alert";
import { Button } from "@/components/ui/button";
import { Dialog } from "@/components/ui/dialog";
import { Field } from "@/components/ui/field";
import { ApiError, messageOf } from "@/lib/api/problem";
import { IMPORT_LIMIT, importTasks } from "@/lib/api/tasks";
import { plural } from "@/lib/format";
import { notify } from "@/lib/notify";
import { taskKeys } from "@/lib/tasks/keys";
import { randomId } from "@/lib/utils";
import { ImportErrors } from "./import-errors";

type Props = { open: boolean; onClose: () => void };
type Choice = { file: File; key: string };

export default function ImportDialog({ open, onClose }: Props) {
  const client = useQueryClient();
  const [choice, setChoice] = useState<Choice>();
  const [error, setError] = useState<unknown>();
  const [pending, setPending] = useState(false);

  const missing = error === "none" ? "Choose a JSON or CSV file first." : undefined;
  const tooLarge =
    choice && choice.file.size > IMPORT_LIMIT ? "Must be at most 5 MiB. Split it into several files." : undefined;
  const lines = error instanceof ApiError ? error.errors : [];

  function close() {
    setChoice(undefined);
    setError(undefined);
    onClose();
  }

  async function submit(event: FormEvent) {
    event.preventDefault();
    if (pending || tooLarge) return;
    if (!choice) return setError("none");
    setError(undefined);
    setPending(true);
    try {
      const imported = await importTasks(choice.file, choice.key);
      await client.invalidateQueries({ queryKey: taskKeys.all });
      notify.done(`Imported ${plural(imported, "task")}`);
      close();
    } catch (failure) {
      setError(failure);
    } finally {
      setPending(false);
    }
  }

  return (
    <Dialog
      open={open}
      onClose={close}
      title="Import tasks"
      description="From a JSON or CSV file, such as an export of this page. Either every task is imported or none."
    >
      <form onSubmit={submit} noValidate className="grid gap-4">
        <Field
          label="File"
          error={missing ?? tooLarge}
          hint="Only title is needed; description, status and times are optional."
        >
          {(control) => (
            <input
              {...control}
              type="file"
              accept=".json,.csv,application/json,text/csv"
              className="w-full rounded-lg border border-input border-dashed bg-background p-3 text-sm file:mr-3 file:h-8 file:rounded-md file:border-0 file:bg-accent file:px-3 file:font-medium file:text-accent-foreground"
              onChange={({ target }) => {
                const file = target.files?.[0];
                setError(undefined);
                setChoice(file && { file, key: randomId() });
              }}
            />
          )}
        </Field>
        {error !== undefined &&
          error !== "none" &&
          (lines.length > 0 ? <ImportErrors errors={lines} /> : <Alert>{messageOf(error)}</Alert>)}
        <div className="flex justify-end gap-2">
          <Button variant="outline" onClick={close}>
            Cancel
          </Button>
          <Button type="submit" pending={pending}>
            Import
          </Button>
        </div>
      </form>
    </Dialog>
  );
}
