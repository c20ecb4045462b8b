"use client";

import { Button } from "@/components/ui/button";

/** For error.tsx: says that it failed and offers the way on. */
export function ErrorPanel({ error, reset }: { error: Error & { digest?: string }; reset: () => void }) {
  return (
    <main
      id="main"
      tabIndex={-1}
      className="mx-auto grid max-w-md flex-1 place-content-center gap-3 px-6 py-24 text-center"
    >
      <h1 className="font-semibold text-2xl">This page could not be shown</h1>
      <p className="text-muted-foreground">
        Something failed on our side. Your tasks are safe; try again, or come back in a moment.
      </p>
      {error.digest && <p className="text-muted-foreground text-sm">Reference: {error.digest}</p>}
      <div className="mt-3">
        <Button onClick={reset}>Try again</Button>
      </div>
    </main>
  );
}
