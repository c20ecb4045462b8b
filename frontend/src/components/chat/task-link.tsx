"use client";

import Link from "next/link";
import type { MouseEvent } from "react";
import { closeSheet } from "@/lib/chat/panel";
import { searchOf } from "@/lib/tasks/filter";
import { revealTask } from "@/lib/tasks/reveal";

/** Leads to the task in the list on this page; otherwise to a list of what has its title. */
export function TaskLink({ id, title }: { id: string | null; title: string }) {
  function show(event: MouseEvent) {
    if (event.metaKey || event.ctrlKey || event.shiftKey || event.button !== 0) return;
    const here = id !== null && revealTask(id);
    if (here) event.preventDefault();
    // A sheet that closes gives the focus back to where it was.
    if (closeSheet() && here) requestAnimationFrame(() => revealTask(id));
  }

  return (
    <Link
      href={`/tasks${searchOf({ status: "all", q: title, sort: "-created" })}`}
      prefetch={false}
      onClick={show}
      className="rounded font-medium text-foreground underline decoration-border underline-offset-4 hover:decoration-current"
    >
      {title}
    </Link>
  );
}
