import type { Task } from "@/lib/api/types";
import { formatDateTime, timeAgo } from "@/lib/format";

export function TimeAgo({ task }: { task: Task }) {
  const time = task.completed_at ?? task.created_at;
  return (
    <time
      dateTime={time}
      title={`${task.completed_at ? "Completed" : "Added"} ${formatDateTime(time)}`}
      className="whitespace-nowrap py-2 pr-3 text-right text-muted-foreground text-xs leading-5 tabular-nums transition-opacity group-focus-within:opacity-0 group-hover:pointer-events-none group-hover:opacity-0 max-sm:hidden pointer-coarse:opacity-100"
    >
      {timeAgo(time)}
    </time>
  );
}
