import { ThemeChoice } from "./theme-choice";

export function SiteFooter() {
  return (
    <footer className="border-t">
      <div className="mx-auto flex max-w-6xl flex-wrap items-center justify-between gap-4 px-4 py-6 text-muted-foreground text-sm sm:px-6">
        <p>Todo is open source under the Apache 2.0 licence.</p>
        <div className="flex items-center gap-5">
          <a href="/api/docs" className="rounded py-1 underline-offset-4 hover:text-foreground hover:underline">
            API reference
          </a>
          <ThemeChoice />
        </div>
      </div>
    </footer>
  );
}
