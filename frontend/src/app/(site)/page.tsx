import Link from "next/link";
import { Features } from "@/components/landing/features";
import { ProductPicture } from "@/components/landing/product-picture";
import { buttonVariants } from "@/components/ui/button";
import { getVisitor } from "@/lib/session";

export default async function LandingPage() {
  const signedIn = typeof (await getVisitor()) === "object";
  return (
    <main id="main" tabIndex={-1} className="flex-1 outline-none">
      <div className="mx-auto grid max-w-6xl items-center gap-12 px-4 pt-10 pb-16 sm:px-6 md:pt-16 lg:grid-cols-[1fr_1.1fr] lg:gap-16 lg:pb-24">
        <div>
          <h1 className="font-semibold text-4xl leading-[1.08] tracking-[-0.035em] sm:text-5xl lg:text-6xl">
            Tasks at the speed of thought
          </h1>
          <p className="mt-5 max-w-lg text-lg text-muted-foreground leading-8">
            Type, press Enter, carry on. A task list that answers before you notice, stays in step on every device, and
            runs where you want it.
          </p>
          <div className="mt-8 flex flex-wrap gap-3">
            {signedIn ? (
              <Link href="/tasks" className={buttonVariants({ size: "lg" })}>
                Open your tasks
              </Link>
            ) : (
              <>
                <Link href="/sign-up" className={buttonVariants({ size: "lg" })}>
                  Create your account
                </Link>
                <Link href="/sign-in" className={buttonVariants({ size: "lg", variant: "outline" })}>
                  Sign in
                </Link>
              </>
            )}
          </div>
        </div>
        <ProductPicture />
      </div>
      <Features />
    </main>
  );
}
