import { CircleAlert } from "lucide-react";
import type { ReactNode } from "react";
import { errorMessage } from "@/lib/api/problem";
import { cn } from "@/lib/utils";
import { Button } from "./button";

export function Alert({ children, className }: { children: ReactNode; className?: string }) {
  return (
    <div
      role="alert"
      className={cn("flex gap-2.5 rounded-lg bg-destructive-muted px-3.5 py-3 text-destructive text-sm", className)}
    >
      <CircleAlert className="mt-0.5 size-4 shrink-0" aria-hidden="true" />
      <div className="min-w-0 flex-1">{children}</div>
    </div>
  );
}

type ErrorAlertProps = { error: unknown; title?: string; className?: string; onRetry?: (() => unknown) | undefined };

/** Shows what went wrong, if anything did, after a title that names what failed. */
export function ErrorAlert({ error, title, className, onRetry }: ErrorAlertProps) {
  if (!error) return null;
  return (
    <Alert className={className}>
      <p>
        {title && `${title} `}
        {errorMessage(error)}
      </p>
      {onRetry && (
        <Button variant="outline" size="sm" className="mt-2 text-foreground" onClick={() => onRetry()}>
          Try again
        </Button>
      )}
    </Alert>
  );
}
