"use client";

import Link from "next/link";
import type { MouseEvent } from "react";
import { closeSheet } from "@/lib/chat/panel";
import { filterToSearch } from "@/lib/tasks/filter";
import { revealTask } from "@/lib/tasks/reveal";

/** Shows the task in the list on this page, or opens a search for its title if the list does not have it. */
export function TaskLink({ id, title }: { id: string | null; title: string }) {
  function show(event: MouseEvent) {
    if (event.metaKey || event.ctrlKey || event.shiftKey || event.button !== 0) return;
    const revealed = id !== null && revealTask(id);
    if (revealed) event.preventDefault();
    // When the sheet closes, it restores the previous focus, so the task is focused after that.
    if (closeSheet() && revealed) requestAnimationFrame(() => revealTask(id));
  }

  return (
    <Link
      href={`/tasks${filterToSearch({ status: "all", q: title, sort: "-created" })}`}
      prefetch={false}
      onClick={show}
      className="rounded font-medium text-foreground underline decoration-border underline-offset-4 hover:decoration-current"
    >
      {title}
    </Link>
  );
}
