import type { Task } from "@/lib/api/types";

export type TaskText = Pick<Task, "title" | "description">;

export const sameText = (a: TaskText, b: TaskText) => a.title === b.title && a.description === b.description;
