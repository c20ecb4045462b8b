"use client";

import { useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { ErrorAlert } from "@/components/ui/alert";
import { InputField } from "@/components/ui/field";
import { Skeleton } from "@/components/ui/skeleton";
import { SubmitButton } from "@/components/ui/submit-button";
import { meQuery, useMe } from "@/lib/account/queries";
import { updateMe } from "@/lib/api/auth";
import type { User } from "@/lib/api/types";
import { useForm } from "@/lib/hooks/use-form";
import { notify } from "@/lib/notify";
import * as schemas from "@/lib/schemas";
import { Section } from "./section";

export function ProfileSection() {
  const { data: user, error, refetch } = useMe();
  return (
    <Section id="profile" title="Profile" text="Your name is shown only to you. You sign in with your e-mail address.">
      {user ? (
        <ProfileForm key={user.id} user={user} />
      ) : error ? (
        <ErrorAlert error={error} onRetry={refetch} />
      ) : (
        <Skeleton className="h-32" />
      )}
    </Section>
  );
}

function ProfileForm({ user }: { user: User }) {
  const client = useQueryClient();
  const [email, setEmail] = useState(user.email);
  const emailChanges = email.trim().toLowerCase() !== user.email;

  const { form, field, failure, pending } = useForm(schemas.profile, async ({ name, email, current_password }) => {
    const changed = email === user.email ? {} : { email, current_password };
    const updated = await updateMe({ name: name || null, ...changed });
    client.setQueryData(meQuery.queryKey, updated);
    setEmail(updated.email);
    notify.success("Profile saved");
  });
  const emailField = field("email");

  return (
    <form {...form} className="grid gap-4">
      <ErrorAlert error={failure} />
      <InputField label="Name" optional autoComplete="name" defaultValue={user.name ?? ""} {...field("name")} />
      <InputField
        label="E-mail"
        type="email"
        autoComplete="email"
        required
        {...emailField}
        value={email}
        onChange={(event) => setEmail(event.target.value)}
      />
      {emailChanges && (
        <InputField
          label="Current password"
          type="password"
          autoComplete="current-password"
          required
          hint="Needed to change the e-mail address."
          {...field("current_password")}
        />
      )}
      <SubmitButton pending={pending} className="justify-self-start">
        Save profile
      </SubmitButton>
    </form>
  );
}
