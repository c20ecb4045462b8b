import { type ComponentProps, type ReactNode, useId } from "react";
import { Input } from "./input";

type ControlProps = { id: string; "aria-invalid": true | undefined; "aria-describedby": string | undefined };

/** Connects a control with its label, hint and error for assistive technology. */
export function Field(props: {
  label: string;
  optional?: boolean;
  hint?: ReactNode;
  error?: string | undefined;
  children: (control: ControlProps) => ReactNode;
}) {
  const { label, optional, hint, error, children } = props;
  const id = useId();
  const describedBy = [error && `${id}-error`, hint && `${id}-hint`].filter(Boolean).join(" ");
  return (
    <div className="grid gap-1.5">
      <label htmlFor={id} className="font-medium text-sm">
        {label}
        {optional && <span className="font-normal text-muted-foreground"> (optional)</span>}
      </label>
      {children({ id, "aria-invalid": error ? true : undefined, "aria-describedby": describedBy || undefined })}
      {error && (
        <p id={`${id}-error`} className="text-destructive text-sm">
          {error}
        </p>
      )}
      {hint && (
        <p id={`${id}-hint`} className="text-muted-foreground text-sm">
          {hint}
        </p>
      )}
    </div>
  );
}

type InputFieldProps = ComponentProps<"input"> & {
  label: string;
  optional?: boolean;
  hint?: ReactNode;
  error?: string | undefined;
};

export function InputField({ label, optional, hint, error, ...input }: InputFieldProps) {
  return (
    <Field label={label} optional={optional} hint={hint} error={error}>
      {(control) => <Input {...control} {...input} />}
    </Field>
  );
}
