import { Ban, CircleAlert, CircleCheck, CirclePause, Eye, type LucideIcon, PenLine, Plus, Trash2 } from "lucide-react";
import { Spinner } from "@/components/ui/spinner";
import type { ChatMessage } from "@/lib/api/types";
import { describeStep } from "@/lib/chat/steps";
import { cn } from "@/lib/utils";
import { RestoreButton } from "./restore-button";
import { TaskLink } from "./task-link";

const ICONS: Record<string, LucideIcon> = {
  add_task: Plus,
  list_tasks: Eye,
  complete_task: CircleCheck,
  update_task: PenLine,
  delete_task: Trash2,
};

export function ToolStep({ message, titles }: { message: ChatMessage; titles: ReadonlyMap<string, string> }) {
  const { text, task, detail } = describeStep(message, titles);
  const deleted = message.tool?.name === "delete_task" && message.status === "done";
  return (
    <div data-step={message.status} className="-my-1 flex items-start gap-2 text-muted-foreground text-sm leading-5">
      <StepIcon message={message} />
      <p className="min-w-0 wrap-anywhere">
        {text}
        {task && " "}
        {task && !deleted && <TaskLink {...task} />}
        {task && deleted && (
          <>
            <s className="font-medium">{task.title}</s>{" "}
            {task.id && <RestoreButton task={{ ...task, id: task.id }} deletedAt={message.created_at} />}
          </>
        )}
        {detail && <span className="block text-xs">{detail}</span>}
      </p>
    </div>
  );
}

function StepIcon({ message: { status, tool } }: { message: ChatMessage }) {
  if (status === "running")
    return (
      <span className="mt-0.5 shrink-0 text-primary">
        <Spinner />
      </span>
    );
  const Icon =
    status === "failed"
      ? CircleAlert
      : status === "awaiting"
        ? CirclePause
        : status === "done"
          ? (ICONS[tool?.name ?? ""] ?? CircleCheck)
          : Ban;
  return (
    <Icon
      aria-hidden="true"
      className={cn(
        "mt-0.5 size-4 shrink-0",
        status === "done" && "text-primary",
        status === "failed" && "text-destructive",
      )}
    />
  );
}
