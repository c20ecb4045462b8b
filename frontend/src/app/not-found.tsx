import type { Metadata } from "next";
import { LogoMark } from "@/components/layout/logo";
import { buttonVariants } from "@/components/ui/button";

export const metadata: Metadata = { title: "Not found" };

/** Next.js adds this page to every other one, so its links are plain anchors, which need no script. */
export default function NotFound() {
  return (
    <div className="flex min-h-dvh flex-col">
      <header className="p-4 sm:px-6">
        <a href="/" aria-label="Todo, home" className="inline-block rounded-lg">
          <LogoMark />
        </a>
      </header>
      <main
        id="main"
        tabIndex={-1}
        className="mx-auto grid max-w-md flex-1 place-content-center gap-3 px-6 py-24 text-center"
      >
        <p className="font-semibold text-primary text-sm">404</p>
        <h1 className="font-semibold text-2xl">There is nothing here</h1>
        <p className="text-muted-foreground">The address may be mistyped, or the page has moved.</p>
        <div className="mt-3 flex justify-center gap-2">
          <a href="/tasks" className={buttonVariants()}>
            Open your tasks
          </a>
          <a href="/" className={buttonVariants({ variant: "outline" })}>
            Home
          </a>
        </div>
      </main>
    </div>
  );
}
