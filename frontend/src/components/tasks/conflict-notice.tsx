"use client";

import { Button } from "@/components/ui/button";
import type { TaskText } from "@/lib/tasks/text";

type Props = { theirs: TaskText; onKeepMine: () => void; onTakeTheirs: () => void };

export function ConflictNotice({ theirs, onKeepMine, onTakeTheirs }: Props) {
  return (
    <div role="alert" className="grid gap-2 rounded-lg border bg-card p-3 text-sm">
      <p className="font-medium">This task was changed in another tab. It now says:</p>
      <div className="border-l-2 pl-3 text-muted-foreground">
        <p className="break-words text-foreground">{theirs.title}</p>
        {theirs.description && <p className="whitespace-pre-line break-words">{theirs.description}</p>}
      </div>
      <div className="mt-1 flex flex-wrap gap-2">
        <Button size="sm" onClick={onKeepMine}>
          Keep mine
        </Button>
        <Button variant="outline" size="sm" onClick={onTakeTheirs}>
          Take theirs
        </Button>
      </div>
    </div>
  );
}
