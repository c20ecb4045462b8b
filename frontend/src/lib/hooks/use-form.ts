import { type FormEvent, useEffect, useRef, useState } from "react";
import type * as z from "zod/mini";
import { ApiError, errorMessage, errorsByField } from "@/lib/api/problem";

type FieldErrors = Record<string, string>;

/** An uncontrolled form. The schema checks it first, then the server; errors appear at the fields that they name. */
export function useForm<Output>(
  schema: z.ZodMiniType<Output>,
  submit: (values: Output, form: HTMLFormElement) => Promise<void>,
) {
  const form = useRef<HTMLFormElement>(null);
  const [errors, setErrors] = useState<FieldErrors>({});
  const [failure, setFailure] = useState<ApiError | Error | null>(null);
  const [pending, setPending] = useState(false);

  useEffect(() => {
    if (Object.keys(errors).length > 0) form.current?.querySelector<HTMLElement>("[aria-invalid=true]")?.focus();
  }, [errors]);

  async function onSubmit(event: FormEvent<HTMLFormElement>) {
    event.preventDefault();
    if (pending) return;
    const element = event.currentTarget;
    setFailure(null);
    const parsed = schema.safeParse(Object.fromEntries(new FormData(element)));
    if (!parsed.success) {
      const issues = parsed.error.issues.toReversed();
      return setErrors(Object.fromEntries(issues.map(({ path, message }) => [String(path[0]), message])));
    }
    setErrors({});
    setPending(true);
    try {
      await submit(parsed.data, element);
    } catch (error) {
      const byField = error instanceof ApiError ? errorsByField(error.errors) : {};
      const allShown = Object.keys(byField).every((field) => element.elements.namedItem(field));
      if (Object.keys(byField).length > 0 && allShown) setErrors(byField);
      else setFailure(error instanceof Error ? error : new Error(errorMessage(error)));
    } finally {
      setPending(false);
    }
  }

  const field = (name: string) => ({
    name,
    error: errors[name],
    onInput: () => {
      if (errors[name]) setErrors(({ [name]: _, ...rest }) => rest);
    },
  });

  return { form: { ref: form, onSubmit, method: "post" as const, noValidate: true }, field, failure, pending };
}
