import { Card } from "@/components/ui/card";
import { Skeleton } from "@/components/ui/skeleton";

const WIDTHS = ["w-2/5", "w-3/5", "w-1/3", "w-1/2", "w-1/4", "w-2/5"];

export function TaskListSkeleton() {
  return (
    <Card aria-busy="true" className="overflow-hidden">
      <p className="sr-only">Loading tasks…</p>
      <div className="h-12 border-b bg-muted/50" />
      {WIDTHS.map((width, index) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: the rows never change
        <div key={index} className="flex h-15 items-center gap-4 border-b px-5 last:border-b-0">
          <Skeleton round className="size-5" />
          <Skeleton className={`h-4 ${width}`} />
        </div>
      ))}
    </Card>
  );
}
