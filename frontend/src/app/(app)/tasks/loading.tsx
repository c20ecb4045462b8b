import { TaskListSkeleton } from "@/components/tasks/task-list-skeleton";
import { Skeleton } from "@/components/ui/skeleton";

export default function Loading() {
  return (
    <main id="main" className="mx-auto w-full max-w-4xl flex-1 px-4 pt-6 pb-32 sm:px-6 sm:pt-10">
      <h1 className="mb-5 font-semibold text-2xl sm:text-3xl">Tasks</h1>
      <Skeleton className="h-14" />
      <div className="mt-6 mb-3 flex flex-col gap-3 sm:flex-row sm:justify-between">
        <Skeleton className="h-10 sm:w-80" />
        <Skeleton className="h-10 sm:w-64" />
      </div>
      <TaskListSkeleton />
    </main>
  );
}
