"use client";

import { Button } from "@/components/ui/button";
import { Spinner } from "@/components/ui/spinner";
import { errorMessage } from "@/lib/api/problem";

export type Pagination = {
  hasNextPage: boolean;
  isFetching: boolean;
  isFetchNextPageError: boolean;
  error: Error | null;
  fetchNextPage: () => unknown;
};

export function LoadMore({ pagination }: { pagination: Pagination }) {
  if (pagination.isFetchNextPageError) {
    return (
      <div role="alert" className="flex flex-wrap items-center justify-center gap-3 px-4 py-4 text-sm">
        <span className="text-destructive">More tasks could not be loaded. {errorMessage(pagination.error)}</span>
        <Button variant="outline" size="sm" onClick={pagination.fetchNextPage}>
          Try again
        </Button>
      </div>
    );
  }
  if (!pagination.hasNextPage) return null;
  return (
    <p role="status" className="flex h-14 items-center justify-center gap-2 text-muted-foreground text-sm">
      <Spinner /> Loading more…
    </p>
  );
}
