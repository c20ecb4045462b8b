"use client";

import { Alert, ErrorAlert } from "@/components/ui/alert";
import { InputField } from "@/components/ui/field";
import { SubmitButton } from "@/components/ui/submit-button";
import { signIn } from "@/lib/api/auth";
import { ApiError } from "@/lib/api/problem";
import { plural } from "@/lib/format";
import { useCountdown } from "@/lib/hooks/use-countdown";
import { useForm } from "@/lib/hooks/use-form";
import { goTo } from "@/lib/navigation";
import * as schemas from "@/lib/schemas";

/** Screen readers announce the message only once, because an announcement every second would drown out all others. */
function RateLimitAlert({ seconds, announcement }: { seconds: number; announcement: string }) {
  return (
    <Alert>
      <span className="sr-only">{announcement}</span>
      <span aria-hidden="true" className="tabular-nums">
        Too many attempts. Try again in {plural(seconds, "second")}.
      </span>
    </Alert>
  );
}

export function SignInForm({ next }: { next: string }) {
  const { form, field, failure, pending } = useForm(schemas.signIn, async (values) => {
    await signIn(values);
    goTo(next);
  });
  const rateLimitError = failure instanceof ApiError && failure.status === 429 ? failure : null;
  const secondsLeft = useCountdown(rateLimitError);
  return (
    <form {...form} className="grid gap-5">
      {rateLimitError ? (
        secondsLeft > 0 && <RateLimitAlert seconds={secondsLeft} announcement={rateLimitError.message} />
      ) : (
        <ErrorAlert error={failure} />
      )}
      <InputField label="E-mail" type="email" autoComplete="username" required {...field("email")} />
      <InputField label="Password" type="password" autoComplete="current-password" required {...field("password")} />
      <SubmitButton pending={pending} disabled={secondsLeft > 0}>
        Sign in
      </SubmitButton>
    </form>
  );
}
