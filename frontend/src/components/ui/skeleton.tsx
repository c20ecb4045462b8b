import { cn } from "@/lib/utils";

export function Skeleton({ className, round = false }: { className?: string; round?: boolean }) {
  return (
    <div
      aria-hidden="true"
      className={cn("animate-pulse bg-muted", round ? "rounded-full" : "rounded-md", className)}
    />
  );
}
