"use client";

import { ErrorAlert } from "@/components/ui/alert";
import { InputField } from "@/components/ui/field";
import { SubmitButton } from "@/components/ui/submit-button";
import { signUp } from "@/lib/api/auth";
import { useForm } from "@/lib/hooks/use-form";
import { goTo } from "@/lib/navigation";
import * as schemas from "@/lib/schemas";

export function SignUpForm({ next }: { next: string }) {
  const { form, field, failure, pending } = useForm(schemas.signUp, async ({ name, ...account }) => {
    await signUp(name ? { ...account, name } : account);
    goTo(next);
  });
  return (
    <form {...form} className="grid gap-5">
      <ErrorAlert error={failure} />
      <InputField label="Name" optional autoComplete="name" {...field("name")} />
      <InputField label="E-mail" type="email" autoComplete="username" required {...field("email")} />
      <InputField
        label="Password"
        type="password"
        autoComplete="new-password"
        required
        hint="At least 10 characters. A few random words work well."
        {...field("password")}
      />
      <SubmitButton pending={pending}>Create account</SubmitButton>
    </form>
  );
}
