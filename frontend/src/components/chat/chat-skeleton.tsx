import { Skeleton } from "@/components/ui/skeleton";

export function ChatSkeleton() {
  return (
    <div aria-busy="true" className="flex min-h-0 flex-1 flex-col gap-4 p-4">
      <p className="sr-only">Loading the chat…</p>
      <Skeleton className="h-6 w-40" />
      <Skeleton className="ml-auto h-10 w-2/3 rounded-2xl" />
      <Skeleton className="h-4 w-full" />
      <Skeleton className="h-4 w-4/5" />
      <div className="flex-1" />
      <Skeleton className="h-20 rounded-xl" />
    </div>
  );
}
