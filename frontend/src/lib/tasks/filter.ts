import type { Task } from "@/lib/api/types";

export const STATUSES = ["all", "pending", "completed"] as const;
export const SORTS = ["-created", "created", "-updated", "updated", "title", "-title"] as const;

export type TaskFilter = { status: (typeof STATUSES)[number]; q: string; sort: (typeof SORTS)[number] };

export const MAX_QUERY_CHARS = 200;

const DEFAULTS: TaskFilter = { status: "all", q: "", sort: "-created" };

/** Reads a filter from the address. Invalid values are replaced, so that the API accepts the result. */
export function parseFilter(params: Pick<URLSearchParams, "get">): TaskFilter {
  const status = STATUSES.find((value) => value === params.get("status")) ?? DEFAULTS.status;
  const sort = SORTS.find((value) => value === params.get("sort")) ?? DEFAULTS.sort;
  const q = [...(params.get("q") ?? "").replaceAll("\0", "").trim()].slice(0, MAX_QUERY_CHARS).join("");
  return { status, q, sort };
}

/** The query string of a filter, without default values: "" or "?status=pending". */
export function filterToSearch(filter: TaskFilter) {
  const params = new URLSearchParams();
  if (filter.status !== DEFAULTS.status) params.set("status", filter.status);
  if (filter.q) params.set("q", filter.q);
  if (filter.sort !== DEFAULTS.sort) params.set("sort", filter.sort);
  const search = params.toString();
  return search && `?${search}`;
}

/** Searches like the backend: anywhere in the title or the description, without regard to case. */
export function matchesText(task: Task, q: string) {
  return `${task.title}\n${task.description}`.toLowerCase().includes(q.toLowerCase());
}

export function matches(task: Task, { status, q }: TaskFilter) {
  return (status === "all" || task.status === status) && matchesText(task, q);
}

/** Orders tasks like the backend. Times are compared as numbers first, since their text varies in precision. */
export function comparator(sort: TaskFilter["sort"]): (a: Task, b: Task) => number {
  const direction = sort.startsWith("-") ? -1 : 1;
  const key = sort.replace("-", "");
  const compare = key === "title" ? byTitle : byTime(key === "created" ? "created_at" : "updated_at");
  return (a, b) => direction * (compare(a, b) || byText(a.id, b.id));
}

const byText = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0);
const byTitle = (a: Task, b: Task) => byText(a.title.toLowerCase(), b.title.toLowerCase());
const byTime = (field: "created_at" | "updated_at") => (a: Task, b: Task) =>
  Date.parse(a[field]) - Date.parse(b[field]) || byText(a[field], b[field]);
