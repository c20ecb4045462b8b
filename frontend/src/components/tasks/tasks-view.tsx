"use client";

import { useInfiniteQuery, useQuery, useQueryClient } from "@tanstack/react-query";
import { useEffect, useMemo, useRef } from "react";
import type { BulkAction } from "@/lib/api/types";
import { useDrafts } from "@/lib/hooks/use-drafts";
import { useSelection } from "@/lib/hooks/use-selection";
import { useTaskActions } from "@/lib/hooks/use-task-actions";
import { useTaskFilter } from "@/lib/hooks/use-task-filter";
import { goToSignIn } from "@/lib/navigation";
import { flatten } from "@/lib/tasks/cache";
import { followEvents } from "@/lib/tasks/events";
import { taskCountsQuery, taskListQuery } from "@/lib/tasks/queries";
import { BulkBar } from "./bulk-bar";
import { EmptyState } from "./empty-state";
import { ListHeader } from "./list-header";
import { LoadError } from "./load-error";
import { TaskComposer, type TaskComposerHandle } from "./task-composer";
import { TaskList, type TaskListHandle } from "./task-list";
import { TaskListSkeleton } from "./task-list-skeleton";
import { TaskToolbar } from "./task-toolbar";
import { usePageShortcuts } from "./use-page-shortcuts";

export function TasksView() {
  const client = useQueryClient();
  const [filter, setFilter] = useTaskFilter();
  const composer = useRef<TaskComposerHandle>(null);
  const search = useRef<HTMLInputElement>(null);
  const list = useRef<TaskListHandle>(null);

  const query = useInfiniteQuery(taskListQuery(client, filter));
  const { data: counts } = useQuery(taskCountsQuery(filter.q, query.isSuccess));
  const tasks = useMemo(() => flatten(query.data), [query.data]);

  const drafts = useDrafts();
  const selection = useSelection(tasks);
  const actions = useTaskActions(drafts, (text) => composer.current?.giveBack(text));

  useEffect(() => followEvents(client, goToSignIn), [client]);
  usePageShortcuts({ composer, search, list, selection, undo: actions.undo });

  function actOnSelection(action: BulkAction) {
    void actions.bulk(action, selection.tasks);
    selection.clear();
    // The pressed button is gone with the bar.
    requestAnimationFrame(() => (list.current ?? composer.current)?.focus());
  }

  return (
    <main
      id="main"
      tabIndex={-1}
      className="mx-auto w-full max-w-4xl flex-1 px-4 pt-6 pb-32 outline-none sm:px-6 sm:pt-10"
    >
      <h1 className="mb-5 font-semibold text-2xl sm:text-3xl">Tasks</h1>
      <TaskComposer ref={composer} onAdd={actions.add} />
      <TaskToolbar ref={search} filter={filter} counts={counts} onChange={setFilter} />
      {query.isPending ? (
        <TaskListSkeleton />
      ) : query.isError && tasks.length === 0 ? (
        <LoadError error={query.error} onRetry={() => query.refetch()} />
      ) : tasks.length === 0 ? (
        <EmptyState filter={filter} counts={counts} onChange={setFilter} onAdd={() => composer.current?.focus()} />
      ) : (
        <div className="overflow-clip rounded-xl border bg-card shadow-card">
          <ListHeader
            tasks={tasks}
            total={counts?.[filter.status]}
            selection={selection}
            filter={filter}
            onChange={setFilter}
          />
          <TaskList
            ref={list}
            key={filter.status + filter.sort + filter.q}
            tasks={tasks}
            total={Math.max(counts?.[filter.status] ?? 0, tasks.length)}
            filter={filter}
            drafts={drafts}
            selection={selection}
            actions={actions}
            onEmptied={() => composer.current?.focus()}
            more={query}
          />
        </div>
      )}
      <BulkBar selection={selection} onAction={actOnSelection} />
    </main>
  );
}
