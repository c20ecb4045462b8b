/** Stands where the answer will be, and below one that goes on. */
export function Thinking({ broken, stopping }: { broken: boolean; stopping: boolean }) {
  const words = stopping ? "Stopping…" : broken ? "The connection broke. Trying again…" : "Working…";
  return (
    <p className="-mt-1 flex h-5 items-center gap-1 text-muted-foreground text-sm">
      <span aria-hidden="true" className="flex gap-1 pr-1.5">
        {[0, 1, 2].map((dot) => (
          <span
            key={dot}
            className="size-1.5 animate-pulse rounded-full bg-primary"
            style={{ animationDelay: `${dot * 200}ms` }}
          />
        ))}
      </span>
      {words}
    </p>
  );
}
