"use client";

import { Pencil, Trash2 } from "lucide-react";
import type { Ref } from "react";
import { Button } from "@/components/ui/button";
import { Checkbox } from "@/components/ui/checkbox";
import type { Task } from "@/lib/api/types";
import { formatDateTime, timeAgo } from "@/lib/format";
import type { Draft } from "@/lib/hooks/use-drafts";
import { isPlaceholder } from "@/lib/tasks/cache";
import type { TaskText } from "@/lib/tasks/text";
import { cn } from "@/lib/utils";
import { TaskEditor } from "./task-editor";

type Props = {
  task: Task;
  draft: Draft | undefined;
  /** Only one row is in the tab order; other keys move between the rows. */
  tabbable: boolean;
  selected: boolean;
  selecting: boolean;
  onSelect: (range: boolean) => void;
  onFocus: () => void;
  titleRef: Ref<HTMLButtonElement>;
  actions: {
    toggleStatus: (task: Task) => void;
    edit: (task: Task) => void;
    remove: (task: Task) => void;
    save: (task: Task, base: Task, text: TaskText) => void;
    cancel: (task: Task) => void;
  };
};

const visibleOnHover =
  "opacity-0 transition-opacity group-hover:opacity-100 group-focus-within:opacity-100 pointer-coarse:opacity-100";

export function TaskRow({ task, draft, tabbable, selected, selecting, onSelect, onFocus, titleRef, actions }: Props) {
  const saving = isPlaceholder(task.id);
  const completed = task.status === "completed";
  const tabIndex = tabbable ? 0 : -1;

  if (draft) {
    return (
      <TaskEditor
        task={task}
        draft={draft}
        onSave={(base, text) => actions.save(task, base, text)}
        onCancel={() => actions.cancel(task)}
      />
    );
  }

  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: only records which of its controls has the focus
    <div
      onFocus={onFocus}
      aria-busy={saving || undefined}
      className={cn(
        "group flex min-h-15 items-start py-2.5 pr-2 pl-1.5 transition-colors",
        selected ? "bg-accent/60" : "hover:bg-muted/50",
        saving && "opacity-60",
      )}
    >
      <Checkbox
        aria-label={`Select ${task.title}`}
        className={cn("mt-px", !selecting && visibleOnHover)}
        checked={selected}
        disabled={saving}
        tabIndex={tabIndex}
        onChange={() => {}}
        onClick={(event) => onSelect(event.shiftKey)}
      />
      <Checkbox
        round
        aria-label={`Complete ${task.title}`}
        className="mt-px"
        checked={completed}
        disabled={saving}
        tabIndex={tabIndex}
        onChange={() => actions.toggleStatus(task)}
      />
      <div className="min-w-0 flex-1 px-1.5 py-1.5">
        <button
          ref={titleRef}
          data-row-title
          type="button"
          tabIndex={tabIndex}
          aria-disabled={saving || undefined}
          onClick={() => !saving && actions.edit(task)}
          className={cn(
            "-mx-1 block max-w-full rounded px-1 text-left text-[15px] leading-6 break-words",
            completed && "text-muted-foreground line-through decoration-muted-foreground/60",
          )}
        >
          {task.title}
        </button>
        {task.description && (
          <p className="mt-0.5 line-clamp-2 whitespace-pre-line break-words text-muted-foreground text-sm">
            {task.description}
          </p>
        )}
      </div>
      <div className="grid shrink-0 justify-items-end *:col-start-1 *:row-start-1 pointer-coarse:flex">
        <TimeAgo task={task} />
        <div className={cn("flex py-0.5", visibleOnHover)}>
          <Button
            variant="ghost"
            size="icon"
            className="max-sm:hidden"
            aria-label={`Edit ${task.title}`}
            disabled={saving}
            tabIndex={tabIndex}
            onClick={() => actions.edit(task)}
          >
            <Pencil />
          </Button>
          <Button
            variant="ghost"
            size="icon"
            aria-label={`Delete ${task.title}`}
            disabled={saving}
            tabIndex={tabIndex}
            onClick={() => actions.remove(task)}
          >
            <Trash2 />
          </Button>
        </div>
      </div>
    </div>
  );
}

function TimeAgo({ task }: { task: Task }) {
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
