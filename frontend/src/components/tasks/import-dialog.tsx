"use client";

import { useQueryClient } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { ErrorAlert } from "@/components/ui/alert";
import { Button } from "@/components/ui/button";
import { Dialog } from "@/components/ui/dialog";
import { Field } from "@/components/ui/field";
import { ApiError } from "@/lib/api/problem";
import { importTasks, MAX_IMPORT_BYTES } from "@/lib/api/tasks";
import { plural } from "@/lib/format";
import { useAsyncAction } from "@/lib/hooks/use-async-action";
import { notify } from "@/lib/notify";
import { taskKeys } from "@/lib/tasks/keys";
import { randomId } from "@/lib/utils";
import { ImportErrors } from "./import-errors";

type Props = { open: boolean; onClose: () => void };
type Choice = { file: File; key: string };

export default function ImportDialog({ open, onClose }: Props) {
  const client = useQueryClient();
  const [choice, setChoice] = useState<Choice>();
  const [fileMissing, setFileMissing] = useState(false);

  const missingError = fileMissing ? "Choose a JSON or CSV file first." : undefined;
  const sizeError =
    choice && choice.file.size > MAX_IMPORT_BYTES ? "Must be at most 5 MiB. Split it into several files." : undefined;

  const { run, pending, error, clearError } = useAsyncAction(async () => {
    if (!choice) return;
    const imported = await importTasks(choice.file, choice.key);
    await client.invalidateQueries({ queryKey: taskKeys.all });
    notify.success(`Imported ${plural(imported, "task")}`);
    close();
  });
  const lineErrors = error instanceof ApiError ? error.errors : [];

  function choose(file: File | undefined) {
    // The same file keeps its key when the import is repeated, so that no task is imported twice.
    setChoice(file && { file, key: randomId() });
    setFileMissing(false);
    clearError();
  }

  function close() {
    choose(undefined);
    onClose();
  }

  function submit(event: FormEvent) {
    event.preventDefault();
    if (!choice) setFileMissing(true);
    else if (!sizeError) void run();
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
          error={missingError ?? sizeError}
          hint="Only title is needed; description, status and times are optional."
        >
          {(control) => (
            <input
              {...control}
              type="file"
              accept=".json,.csv,application/json,text/csv"
              className="w-full rounded-lg border border-input border-dashed bg-background p-3 text-sm file:mr-3 file:h-8 file:rounded-md file:border-0 file:bg-accent file:px-3 file:font-medium file:text-accent-foreground"
              onChange={({ target }) => choose(target.files?.[0])}
            />
          )}
        </Field>
        {lineErrors.length > 0 ? <ImportErrors errors={lineErrors} /> : <ErrorAlert error={error} />}
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
