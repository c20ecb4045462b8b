import { buttonVariants } from "@/components/ui/button-variants";

/** Every page carries it along, so its links are plain ones: they need no script. */
export function NotFoundPanel() {
  return (
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
  );
}
