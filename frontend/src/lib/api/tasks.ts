import type { TaskFilter } from "@/lib/tasks/filter";
import { body, http } from "./client";
import type { BulkAction, NewTask, TaskStatus, TaskUpdate } from "./types";

export const PAGE_SIZE = 100;
export const MAX_BULK_IDS = 200;
export const MAX_IMPORT_BYTES = 5 * 1024 * 1024;

export function listTasks({ status, q, sort }: TaskFilter, cursor: string | null, signal?: AbortSignal) {
  const query = { status, sort, limit: PAGE_SIZE, ...(q && { q }), ...(cursor && { cursor }) };
  return body(http.GET("/api/tasks", { params: { query }, signal }));
}

export async function countTasks(q: string, signal?: AbortSignal) {
  const page = await body(http.GET("/api/tasks", { params: { query: { limit: 1, ...(q && { q }) } }, signal }));
  return page.counts;
}

export const getTask = (id: string) => body(http.GET("/api/tasks/{id}", { params: { path: { id } } }));

/** A repeated request with the same key creates no second task. */
export const createTask = (task: NewTask, key: string) =>
  body(http.POST("/api/tasks", { body: task, params: { header: { "Idempotency-Key": key } } }));

/** Fails with 412 when the task is no longer at `version`. */
export const updateTask = (id: string, update: TaskUpdate, version: number) =>
  body(
    http.PATCH("/api/tasks/{id}", {
      body: update,
      params: { path: { id }, header: { "If-Match": `"${version}"` } },
    }),
  );

export const setTaskStatus = (id: string, status: TaskStatus) =>
  body(
    status === "completed"
      ? http.POST("/api/tasks/{id}/complete", { params: { path: { id } } })
      : http.POST("/api/tasks/{id}/reopen", { params: { path: { id } } }),
  );

export const deleteTask = (id: string) => body(http.DELETE("/api/tasks/{id}", { params: { path: { id } } }));

/** The number of ids is limited to {@link MAX_BULK_IDS}. */
export const bulkTasks = (action: BulkAction, ids: string[]) =>
  body(http.POST("/api/tasks/bulk", { body: { action, ids } }));

export async function importTasks(file: File, key: string) {
  const csv = file.type === "text/csv" || file.name.toLowerCase().endsWith(".csv");
  const result = await body(
    http.POST("/api/tasks/import", {
      body: (await file.text()) as never,
      bodySerializer: (text: unknown) => text as string,
      headers: { "Content-Type": csv ? "text/csv" : "application/json" },
      params: { header: { "Idempotency-Key": key } },
    }),
  );
  return result.imported;
}

export const exportUrl = (format: "json" | "csv") => `/api/tasks/export?format=${format}`;
export const eventsUrl = (lastEventId?: string) =>
  lastEventId ? `/api/events?last_event_id=${encodeURIComponent(lastEventId)}` : "/api/events";
