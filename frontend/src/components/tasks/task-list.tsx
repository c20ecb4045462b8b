"use client";

import { defaultRangeExtractor, useWindowVirtualizer } from "@tanstack/react-virtual";
import { type Ref, useEffect, useEffectEvent, useImperativeHandle, useMemo, useRef, useState } from "react";
import type { Task } from "@/lib/api/types";
import type { Drafts } from "@/lib/hooks/use-drafts";
import type { Selection } from "@/lib/hooks/use-selection";
import type { TaskActions } from "@/lib/hooks/use-task-actions";
import { withStatus } from "@/lib/tasks/cache";
import { matches, type TaskFilter } from "@/lib/tasks/filter";
import { onReveal } from "@/lib/tasks/reveal";
import { cn } from "@/lib/utils";
import { listKeyHandler } from "./list-keys";
import { LoadMore, type MoreTasks } from "./load-more";
import { TaskRow } from "./task-row";
import { useOffsetTop } from "./use-offset-top";
import { useRowFocus } from "./use-row-focus";

const ROW_HEIGHT = 60;
const LOAD_AHEAD = 40;
const HEADER_HEIGHT = 72;
const BULK_BAR_HEIGHT = 88;

export type TaskListHandle = { focus: () => void };

type Props = {
  tasks: Task[];
  total: number;
  filter: TaskFilter;
  drafts: Drafts;
  selection: Selection;
  actions: TaskActions;
  onEmptied: () => void;
  more: MoreTasks;
  ref: Ref<TaskListHandle>;
};

export function TaskList({ tasks, total, filter, drafts, selection, actions, onEmptied, more, ref }: Props) {
  const list = useRef<HTMLUListElement>(null);
  const scrollMargin = useOffsetTop(list);
  const indexOf = useMemo(() => new Map(tasks.map(({ id }, index) => [id, index])), [tasks]);
  const rows = useRowFocus((id) => virtualizer.scrollToIndex(indexOf.get(id) ?? 0));
  const [revealed, setRevealed] = useState<string | null>(null);
  const active = indexOf.get(rows.activeId ?? "") ?? 0;

  const virtualizer = useWindowVirtualizer({
    count: tasks.length,
    estimateSize: () => ROW_HEIGHT,
    getItemKey: (index) => tasks[index]?.id ?? index,
    overscan: 10,
    scrollMargin,
    scrollPaddingStart: HEADER_HEIGHT,
    scrollPaddingEnd: BULK_BAR_HEIGHT,
    // The row with the focus stays, wherever the page is scrolled to.
    rangeExtractor: (range) => [...new Set([...defaultRangeExtractor(range), active])].sort((a, b) => a - b),
  });
  const items = virtualizer.getVirtualItems();

  const lastVisible = virtualizer.range?.endIndex ?? 0;
  const { hasNextPage, isFetching, isFetchNextPageError, fetchNextPage } = more;
  // After any fetch, not only one for more: a refetch of the list cancels that one, which then has to be asked for again.
  useEffect(() => {
    const near = lastVisible >= tasks.length - LOAD_AHEAD;
    if (near && hasNextPage && !isFetching && !isFetchNextPageError) fetchNextPage();
  }, [lastVisible, tasks.length, hasNextPage, isFetching, isFetchNextPageError, fetchNextPage]);

  function focusAt(index: number) {
    const task = tasks[Math.min(Math.max(index, 0), tasks.length - 1)];
    if (task) rows.focus(task.id);
  }

  /** Keeps the focus in the list when the row that has it goes away. */
  function leaving(task: Task, act: () => void) {
    const index = indexOf.get(task.id) ?? 0;
    const heir = tasks[index + 1] ?? tasks[index - 1];
    if (rows.hasFocus(task.id)) heir ? rows.focus(heir.id) : onEmptied();
    act();
  }

  const row = {
    toggleStatus: (task: Task) => {
      const status = task.status === "completed" ? "pending" : "completed";
      const act = () => void actions.setStatus(task, status);
      matches(withStatus(task, status), filter) ? act() : leaving(task, act);
    },
    remove: (task: Task) => leaving(task, () => void actions.remove(task)),
    edit: (task: Task) => drafts.open({ base: task, text: { title: task.title, description: task.description } }),
    save: (task: Task, base: Task, text: { title: string; description: string }) => {
      actions.edit(task.id, base, text);
      rows.focus(task.id);
    },
    cancel: (task: Task) => {
      drafts.close(task.id);
      rows.focus(task.id);
    },
  };

  const reveal = useEffectEvent((id: string) => {
    if (!indexOf.has(id)) return false;
    setRevealed(id);
    rows.focus(id);
    return true;
  });
  useEffect(() => onReveal((id) => reveal(id)), []);

  useImperativeHandle(ref, () => ({ focus: () => focusAt(active) }));
  const onKeyDown = listKeyHandler({ tasks, indexOf, row, selection, focusAt });

  return (
    <>
      <ul
        ref={list}
        aria-label="Tasks"
        onKeyDown={onKeyDown}
        onBlur={() => setRevealed(null)}
        className="relative"
        style={{ height: virtualizer.getTotalSize() }}
      >
        {items.map(({ index, start, key }) => {
          const task = tasks[index];
          if (!task) return null;
          return (
            <li
              key={key}
              ref={virtualizer.measureElement}
              data-index={index}
              data-task={task.id}
              aria-setsize={total}
              aria-posinset={index + 1}
              className={cn("absolute inset-x-0 top-0 border-b transition-colors", task.id === revealed && "bg-accent")}
              style={{ transform: `translateY(${start - scrollMargin}px)` }}
            >
              <TaskRow
                task={task}
                draft={drafts.get(task.id)}
                tabbable={index === active}
                selected={selection.has(task.id)}
                selecting={selection.tasks.length > 0}
                onSelect={(range) => selection.toggle(task.id, { range })}
                titleRef={rows.register(task.id)}
                onFocus={() => rows.activate(task.id)}
                on={row}
              />
            </li>
          );
        })}
      </ul>
      <LoadMore more={more} />
    </>
  );
}
