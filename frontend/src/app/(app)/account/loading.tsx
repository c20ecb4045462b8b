import { Card } from "@/components/ui/card";
import { Skeleton } from "@/components/ui/skeleton";

export default function Loading() {
  return (
    <main id="main" aria-busy="true" className="mx-auto w-full max-w-4xl flex-1 px-4 pt-6 pb-24 sm:px-6 sm:pt-10">
      <h1 className="mb-6 font-semibold text-2xl sm:text-3xl">Account</h1>
      <p className="sr-only">Loading…</p>
      <div className="grid gap-6">
        {["profile", "password", "sessions"].map((section) => (
          <Card key={section} className="grid gap-4 p-6">
            <Skeleton className="h-6 w-40" />
            <Skeleton className="h-10" />
            <Skeleton className="h-10" />
          </Card>
        ))}
      </div>
    </main>
  );
}
