import Link from "next/link";
import { Logo } from "@/components/layout/logo";
import { buttonVariants } from "@/components/ui/button";

export function SiteHeader({ signedIn }: { signedIn: boolean }) {
  return (
    <header className="mx-auto flex h-16 w-full max-w-6xl items-center justify-between px-4 sm:px-6">
      <Logo />
      <nav aria-label="Main" className="flex items-center gap-1.5">
        {signedIn ? (
          <Link href="/tasks" className={buttonVariants()}>
            Open your tasks
          </Link>
        ) : (
          <>
            <Link href="/sign-in" className={buttonVariants({ variant: "ghost" })}>
              Sign in
            </Link>
            <Link href="/sign-up" className={buttonVariants()}>
              Sign up
            </Link>
          </>
        )}
      </nav>
    </header>
  );
}
