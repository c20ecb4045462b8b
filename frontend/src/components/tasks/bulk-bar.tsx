"use client";

import { CircleCheck, RotateCcw, Trash2, X } from "lucide-react";
import { Button } from "@/components/ui/button";
import type { BulkAction } from "@/lib/api/types";
import { formatNumber } from "@/lib/format";
import type { Selection } from "@/lib/hooks/use-selection";

const ACTIONS = [
  { action: "complete", label: "Complete", Icon: CircleCheck },
  { action: "reopen", label: "Reopen", Icon: RotateCcw },
  { action: "delete", label: "Delete", Icon: Trash2 },
] as const;

type Props = { selection: Selection; onAction: (action: BulkAction) => void };

export function BulkBar({ selection, onAction }: Props) {
  if (selection.tasks.length === 0) return null;
  return (
    <section
      aria-label="Selected tasks"
      className="pop-in fixed right-(--dock-width) bottom-4 left-0 z-20 mx-auto flex w-fit max-w-[calc(100vw-1.5rem)] items-center gap-1 rounded-xl bg-card p-1.5 shadow-float"
    >
      <p className="px-2.5 font-medium text-sm tabular-nums" aria-live="polite">
        {formatNumber(selection.tasks.length)} <span className="max-sm:sr-only">selected</span>
      </p>
      {ACTIONS.map(({ action, label, Icon }) => (
        <Button
          key={action}
          variant={action === "delete" ? "destructive" : "ghost"}
          size="sm"
          onClick={() => onAction(action)}
        >
          <Icon className="max-sm:hidden" aria-hidden="true" />
          {label}
        </Button>
      ))}
      <Button variant="ghost" size="icon" aria-label="Clear selection" onClick={selection.clear}>
        <X />
      </Button>
    </section>
  );
}
