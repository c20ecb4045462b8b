"use client";

import { useQuery, useQueryClient } from "@tanstack/react-query";
import { lazy, useEffect, useRef } from "react";
import { ClientOnly } from "@/components/client-only";
import { useTaskFilter } from "@/lib/hooks/use-task-filter";
import { useShortcuts } from "@/lib/shortcuts";
import { taskCountsQuery, taskListQuery } from "@/lib/tasks/queries";
import { FilterTabs } from "./filter-tabs";
import { SearchField } from "./search-field";
import { TaskComposer, type TaskComposerHandle } from "./task-composer";
import { TaskListSkeleton } from "./task-list-skeleton";

const TaskPanel = lazy(() => import("./task-panel"));

export function TasksView() {
  const client = useQueryClient();
  const [filter, setFilter] = useTaskFilter();
  const composer = useRef<TaskComposerHandle>(null);
  const search = useRef<HTMLInputElement>(null);
  const { data: counts } = useQuery(taskCountsQuery(filter.q));

  useShortcuts({ n: () => composer.current?.focus(), "/": () => search.current?.focus() });

  // The tasks are fetched while the code that shows them is still loading.
  useEffect(() => void client.prefetchInfiniteQuery(taskListQuery(client, filter)), [client, filter]);

  return (
    <main
      id="main"
      tabIndex={-1}
      className="mx-auto w-full max-w-4xl flex-1 px-4 pt-6 pb-32 outline-none sm:px-6 sm:pt-10"
    >
      <h1 className="mb-5 font-semibold text-2xl sm:text-3xl">Tasks</h1>
      <TaskComposer ref={composer} />
      <div className="mt-6 mb-3 flex flex-col gap-3 sm:flex-row sm:items-center sm:justify-between">
        <FilterTabs filter={filter} counts={counts} onChange={setFilter} />
        <SearchField ref={search} q={filter.q} onSearch={(q) => setFilter({ q }, "replace")} />
      </div>
      <ClientOnly fallback={<TaskListSkeleton />}>
        <TaskPanel filter={filter} counts={counts} onChange={setFilter} composer={composer} />
      </ClientOnly>
    </main>
  );
}
