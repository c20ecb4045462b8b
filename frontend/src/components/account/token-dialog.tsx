"use client";

import { useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { ErrorAlert } from "@/components/ui/alert";
import { Button } from "@/components/ui/button";
import { Dialog } from "@/components/ui/dialog";
import { Field, InputField } from "@/components/ui/field";
import { Select } from "@/components/ui/input";
import { tokensQuery } from "@/lib/account/queries";
import { createToken } from "@/lib/api/auth";
import type { CreatedToken } from "@/lib/api/types";
import { useForm } from "@/lib/hooks/use-form";
import * as schemas from "@/lib/schemas";
import { TokenSecret } from "./token-secret";

const EXPIRY_OPTIONS = [
  { days: "30", label: "30 days" },
  { days: "90", label: "90 days" },
  { days: "365", label: "1 year" },
  { days: "", label: "Never" },
];

export default function TokenDialog({ open, onClose }: { open: boolean; onClose: () => void }) {
  const [created, setCreated] = useState<CreatedToken>();

  function close() {
    setCreated(undefined);
    onClose();
  }

  return (
    <Dialog
      open={open}
      onClose={close}
      title={created ? "Copy your token now" : "New API token"}
      description={
        created
          ? "It is shown only this once. Whoever has it can read and change your tasks."
          : "It can read and change your tasks, but not your account."
      }
    >
      {created ? <TokenSecret token={created} onDone={close} /> : <TokenForm onCreated={setCreated} onCancel={close} />}
    </Dialog>
  );
}

function TokenForm({ onCreated, onCancel }: { onCreated: (token: CreatedToken) => void; onCancel: () => void }) {
  const client = useQueryClient();
  const { form, field, failure, pending } = useForm(schemas.newToken, async (values) => {
    onCreated(await createToken(values));
    await client.invalidateQueries({ queryKey: tokensQuery.queryKey });
  });
  const { error: expiryError, ...expiry } = field("expires_in_days");

  return (
    <form {...form} className="grid gap-4">
      <ErrorAlert error={failure} />
      <InputField label="Name" required autoComplete="off" placeholder="Backup script" {...field("name")} />
      <Field label="Expires" error={expiryError}>
        {(control) => (
          <Select {...control} {...expiry} defaultValue="90">
            {EXPIRY_OPTIONS.map(({ days, label }) => (
              <option key={days} value={days}>
                {label}
              </option>
            ))}
          </Select>
        )}
      </Field>
      <div className="flex justify-end gap-2">
        <Button variant="outline" onClick={onCancel}>
          Cancel
        </Button>
        <Button type="submit" pending={pending}>
          Create token
        </Button>
      </div>
    </form>
  );
}
