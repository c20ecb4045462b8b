import type { TaskFilter } from "./filter";

export const taskKeys = {
  all: ["tasks"] as const,
  lists: ["tasks", "list"] as const,
  list: (filter: TaskFilter) => ["tasks", "list", filter] as const,
  allCounts: ["tasks", "counts"] as const,
  counts: (q: string) => ["tasks", "counts", q] as const,
};
