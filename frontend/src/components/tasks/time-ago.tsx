import type { Task } from "@/lib/api/types";
import { formatDateTime, timeAgo } from "@/lib/format";

export function TimeAgo({ task }: { task: Task }) {
  const time = task.completed_at ?? task.created_at;
  return (
    <time
      dateTime={time}
      title={`${task.completed_at ? "Completed" : "Added"} ${formatDateTime(time)}`}
      className="shrink-0 px-2 py-2 text-muted-foreground text-xs leading-5 tabular-nums max-sm:hidden"
    >
      {timeAgo(time)}
    </time>
  );
}
