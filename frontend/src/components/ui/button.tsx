import { cva, type VariantProps } from "class-variance-authority";
import type { ComponentProps } from "react";
import { cn } from "@/lib/utils";
import { Spinner } from "./spinner";

export const buttonVariants = cva(
  "inline-flex shrink-0 select-none items-center justify-center gap-2 whitespace-nowrap rounded-lg font-medium text-sm transition-colors disabled:cursor-not-allowed disabled:opacity-60 [&_svg]:size-4 [&_svg]:shrink-0",
  {
    variants: {
      variant: {
        primary: "bg-primary text-primary-foreground shadow-xs hover:bg-primary-hover",
        outline: "border bg-card shadow-xs hover:bg-muted",
        ghost: "hover:bg-muted",
        danger: "bg-destructive text-card hover:opacity-90",
        destructive: "text-destructive hover:bg-destructive-muted",
      },
      size: {
        sm: "h-8 px-2.5",
        md: "h-10 px-4",
        lg: "h-12 rounded-xl px-6",
        icon: "size-8 text-muted-foreground hover:text-foreground",
        square: "size-9",
        "icon-lg": "size-10 text-muted-foreground hover:text-foreground",
      },
    },
    defaultVariants: { variant: "primary", size: "md" },
  },
);

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
