"use client";

import type { UseQueryResult } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { ErrorAlert } from "@/components/ui/alert";
import { Skeleton } from "@/components/ui/skeleton";

type Props<Item> = {
  query: UseQueryResult<Item[]>;
  label: string;
  empty: string;
  children: (item: Item) => ReactNode;
};

export function RemoteList<Item extends { id: string }>({ query, label, empty, children }: Props<Item>) {
  if (query.isPending) {
    return (
      <div aria-busy="true" className="grid gap-3">
        <p className="sr-only">Loading {label}…</p>
        <Skeleton className="h-12" />
        <Skeleton className="h-12" />
      </div>
    );
  }
  if (query.isError && !query.data) return <ErrorAlert error={query.error} onRetry={query.refetch} />;
  if (query.data.length === 0) return <p className="py-2 text-muted-foreground text-sm">{empty}</p>;
  return (
    <ul aria-label={label} className="-my-3 divide-y">
      {query.data.map((item) => (
        <li key={item.id} className="flex flex-wrap items-center justify-between gap-x-4 gap-y-2 py-3">
          {children(item)}
        </li>
      ))}
    </ul>
  );
}
