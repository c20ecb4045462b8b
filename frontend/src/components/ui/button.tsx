import type { VariantProps } from "class-variance-authority";
import type { ComponentProps } from "react";
import { cn } from "@/lib/utils";
import { buttonVariants } from "./button-variants";
import { Spinner } from "./spinner";

type Props = ComponentProps<"button"> & VariantProps<typeof buttonVariants> & { pending?: boolean };

export function Button({ className, variant, size, pending = false, type = "button", children, ...props }: Props) {
  return (
    <button
      type={type}
      className={cn(buttonVariants({ variant, size }), className)}
      aria-disabled={pending || undefined}
      {...props}
    >
      {pending && <Spinner />}
      {children}
    </button>
  );
}
