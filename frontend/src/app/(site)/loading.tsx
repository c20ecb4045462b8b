import { Skeleton } from "@/components/ui/skeleton";

export default function Loading() {
  return (
    <main id="main" aria-busy="true" className="mx-auto grid w-full max-w-6xl flex-1 gap-6 px-4 pt-16 sm:px-6">
      <p className="sr-only">Loading…</p>
      <Skeleton className="h-14 max-w-lg" />
      <Skeleton className="h-24 max-w-md" />
    </main>
  );
}
