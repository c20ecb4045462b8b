import { Card } from "@/components/ui/card";
import { Skeleton } from "@/components/ui/skeleton";

export default function Loading() {
  return (
    <main id="main" aria-busy="true" className="mx-auto w-full max-w-md flex-1 px-4 pt-6 pb-16 sm:pt-[10vh]">
      <p className="sr-only">Loading…</p>
      <Card className="grid gap-5 p-6 sm:p-8">
        <Skeleton className="h-8 w-48" />
        <Skeleton className="h-16" />
        <Skeleton className="h-16" />
        <Skeleton className="h-10" />
      </Card>
    </main>
  );
}
