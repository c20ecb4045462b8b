"use client";

// Every page loads this file, so it imports nothing.
export default function ErrorPage({ error, reset }: { error: Error & { digest?: string }; reset: () => void }) {
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
      <button
        type="button"
        onClick={reset}
        className="mx-auto mt-3 h-10 rounded-lg bg-primary px-4 font-medium text-primary-foreground text-sm hover:bg-primary-hover"
      >
        Try again
      </button>
    </main>
  );
}
