"use client";

import { useQueryClient } from "@tanstack/react-query";
import { ErrorAlert } from "@/components/ui/alert";
import { InputField } from "@/components/ui/field";
import { SubmitButton } from "@/components/ui/submit-button";
import { sessionsQuery, useMe } from "@/lib/account/queries";
import { changePassword } from "@/lib/api/auth";
import { useForm } from "@/lib/hooks/use-form";
import { notify } from "@/lib/notify";
import * as schemas from "@/lib/schemas";
import { Section } from "./section";

export function PasswordSection() {
  const client = useQueryClient();
  const { data: user } = useMe();
  const { form, field, failure, pending } = useForm(
    schemas.passwordChange,
    async ({ current_password, new_password }, element) => {
      await changePassword({ current_password, new_password });
      element.reset();
      notify.success("Password changed", { description: "Every other device was signed out." });
      await client.invalidateQueries({ queryKey: sessionsQuery.queryKey });
    },
  );

  return (
    <Section id="password" title="Password" text="Changing it signs out every other device.">
      <form {...form} className="grid gap-4">
        <ErrorAlert error={failure} />
        {/* Password managers take the account's name from this field. */}
        <input type="text" autoComplete="username" value={user?.email ?? ""} readOnly hidden />
        <InputField
          label="Current password"
          type="password"
          autoComplete="current-password"
          required
          {...field("current_password")}
        />
        <InputField
          label="New password"
          type="password"
          autoComplete="new-password"
          required
          hint="At least 10 characters."
          {...field("new_password")}
        />
        <InputField
          label="Repeat the new password"
          type="password"
          autoComplete="new-password"
          required
          {...field("confirmation")}
        />
        <SubmitButton pending={pending} className="justify-self-start">
          Change password
        </SubmitButton>
      </form>
    </Section>
  );
}
