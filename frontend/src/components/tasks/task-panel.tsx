"use client";

import { useInfiniteQuery, useQueryClient } from "@tanstack/react-query";
import { type RefObject, useEffect, useMemo, useRef } from "react";
import type { BulkAction, TaskCounts } from "@/lib/api/types";
import { useDrafts } from "@/lib/hooks/use-drafts";
import { useSelection } from "@/lib/hooks/use-selection";
import { useTaskActions } from "@/lib/hooks/use-task-actions";
import { goToSignIn } from "@/lib/navigation";
import { useShortcuts } from "@/lib/shortcuts";
import { flatten } from "@/lib/tasks/cache";
import { subscribeToEvents } from "@/lib/tasks/events";
import { filterToSearch, type TaskFilter } from "@/lib/tasks/filter";
import { taskListQuery } from "@/lib/tasks/queries";
import { BulkBar } from "./bulk-bar";
import { EmptyState } from "./empty-state";
import { ListHeader } from "./list-header";
import { LoadError } from "./load-error";
import type { TaskComposerHandle } from "./task-composer";
import { TaskList, type TaskListHandle } from "./task-list";
import { TaskListSkeleton } from "./task-list-skeleton";

type Props = {
  filter: TaskFilter;
  counts: TaskCounts | undefined;
  onChange: (change: Partial<TaskFilter>) => void;
  composer: RefObject<TaskComposerHandle | null>;
};

export default function TaskPanel({ filter, counts, onChange, composer }: Props) {
  const client = useQueryClient();
  const list = useRef<TaskListHandle>(null);
  const query = useInfiniteQuery(taskListQuery(client, filter));
  const tasks = useMemo(() => flatten(query.data), [query.data]);
  const drafts = useDrafts();
  const selection = useSelection(tasks);
  const actions = useTaskActions(drafts);

  useEffect(() => subscribeToEvents(client, goToSignIn), [client]);

  // All loaded tasks are deleted, but the server has more.
  const needsNextPage = tasks.length === 0 && query.hasNextPage && !query.isError;
  const { isFetching, fetchNextPage } = query;
  useEffect(() => {
    if (needsNextPage && !isFetching) void fetchNextPage();
  }, [needsNextPage, isFetching, fetchNextPage]);
  const focusList = () => list.current?.focus();
  useShortcuts({ j: focusList, k: focusList, u: actions.undo, Escape: selection.clear });

  function applyToSelection(action: BulkAction) {
    void actions.bulk(action, selection.tasks);
    selection.clear();
    // The button that had the focus disappears with the bar.
    requestAnimationFrame(() => (list.current ?? composer.current)?.focus());
  }

  if (query.isPending || needsNextPage) return <TaskListSkeleton />;
  if (query.isError && tasks.length === 0) return <LoadError error={query.error} onRetry={() => query.refetch()} />;
  if (tasks.length === 0) {
    return <EmptyState filter={filter} counts={counts} onChange={onChange} onAdd={() => composer.current?.focus()} />;
  }

  const total = Math.max(counts?.[filter.status] ?? 0, tasks.length);
  return (
    <>
      <div className="overflow-clip rounded-xl border bg-card shadow-card">
        <ListHeader tasks={tasks} total={total} selection={selection} filter={filter} onChange={onChange} />
        <TaskList
          ref={list}
          key={filterToSearch(filter)}
          tasks={tasks}
          total={total}
          filter={filter}
          drafts={drafts}
          selection={selection}
          actions={actions}
          onEmpty={() => composer.current?.focus()}
          pagination={query}
        />
      </div>
      <BulkBar selection={selection} onAction={applyToSelection} />
    </>
  );
}
