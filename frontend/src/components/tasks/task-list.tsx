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
import { LoadMore, type Pagination } from "./load-more";
import { TaskRow } from "./task-row";
import { useOffsetTop } from "./use-offset-top";
import { useRowFocus } from "./use-row-focus";

const ROW_HEIGHT_PX = 60;
const LOAD_AHEAD_ROWS = 40;
const HEADER_HEIGHT_PX = 72;
const BULK_BAR_HEIGHT_PX = 88;

export type TaskListHandle = { focus: () => void };

type Props = {
  tasks: Task[];
  total: number;
  filter: TaskFilter;
  drafts: Drafts;
  selection: Selection;
  actions: TaskActions;
  onEmpty: () => void;
  pagination: Pagination;
  ref: Ref<TaskListHandle>;
};

export function TaskList({ tasks, total, filter, drafts, selection, actions, onEmpty, pagination, ref }: Props) {
  const list = useRef<HTMLUListElement>(null);
  const scrollMargin = useOffsetTop(list);
  const indexOf = useMemo(() => new Map(tasks.map(({ id }, index) => [id, index])), [tasks]);
  const rows = useRowFocus((id) => virtualizer.scrollToIndex(indexOf.get(id) ?? 0));
  const [revealedId, setRevealedId] = useState<string | null>(null);
  const active = indexOf.get(rows.activeId ?? "") ?? 0;

  const virtualizer = useWindowVirtualizer({
    count: tasks.length,
    estimateSize: () => ROW_HEIGHT_PX,
    getItemKey: (index) => tasks[index]?.id ?? index,
    overscan: 10,
    scrollMargin,
    scrollPaddingStart: HEADER_HEIGHT_PX,
    scrollPaddingEnd: BULK_BAR_HEIGHT_PX,
    // The row with the focus stays in the document, wherever the page is scrolled to.
    rangeExtractor: (range) => [...new Set([...defaultRangeExtractor(range), active])].sort((a, b) => a - b),
  });
  const items = virtualizer.getVirtualItems();

  const lastVisible = virtualizer.range?.endIndex ?? 0;
  const { hasNextPage, isFetching, isFetchNextPageError, fetchNextPage } = pagination;
  // This runs after every fetch: a refetch of the list cancels the fetch of the next page, which must then start again.
  useEffect(() => {
    const nearEnd = lastVisible >= tasks.length - LOAD_AHEAD_ROWS;
    if (nearEnd && hasNextPage && !isFetching && !isFetchNextPageError) fetchNextPage();
  }, [lastVisible, tasks.length, hasNextPage, isFetching, isFetchNextPageError, fetchNextPage]);

  function focusAt(index: number) {
    const task = tasks[Math.min(Math.max(index, 0), tasks.length - 1)];
    if (task) rows.focus(task.id);
  }

  /** Moves the focus to a neighbour before the row that has it disappears. */
  function removeRow(task: Task, action: () => void) {
    const index = indexOf.get(task.id) ?? 0;
    const neighbour = tasks[index + 1] ?? tasks[index - 1];
    if (rows.hasFocus(task.id)) neighbour ? rows.focus(neighbour.id) : onEmpty();
    action();
  }

  const rowActions = {
    toggleStatus: (task: Task) => {
      const status = task.status === "completed" ? "pending" : "completed";
      const action = () => void actions.setStatus(task, status);
      matches(withStatus(task, status), filter) ? action() : removeRow(task, action);
    },
    remove: (task: Task) => removeRow(task, () => void actions.remove(task)),
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
    setRevealedId(id);
    rows.focus(id);
    return true;
  });
  useEffect(() => onReveal((id) => reveal(id)), []);

  useImperativeHandle(ref, () => ({ focus: () => focusAt(active) }));
  const onKeyDown = listKeyHandler({ tasks, indexOf, rowActions, selection, focusAt });

  return (
    <>
      <ul
        ref={list}
        aria-label="Tasks"
        onKeyDown={onKeyDown}
        onBlur={() => setRevealedId(null)}
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
              className={cn(
                "absolute inset-x-0 top-0 border-b transition-colors",
                task.id === revealedId && "bg-accent",
              )}
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
                actions={rowActions}
              />
            </li>
          );
        })}
      </ul>
      <LoadMore pagination={pagination} />
    </>
  );
}
