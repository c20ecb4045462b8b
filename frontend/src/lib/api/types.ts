import type { components } from "./schema";

type Schemas = components["schemas"];

export type Task = Schemas["Task"];
export type TaskStatus = Schemas["Status"];
export type TaskCounts = Schemas["Counts"];
export type TaskPage = Schemas["Page"];
export type TaskEvent = Schemas["TaskEvent"];
export type NewTask = Schemas["NewTask"];
export type TaskUpdate = Schemas["UpdateTask"];
export type BulkAction = Schemas["Action"];
export type User = Schemas["User"];
export type SessionInfo = Schemas["SessionInfo"];
export type TokenInfo = Schemas["TokenInfo"];
export type CreatedToken = Schemas["CreatedToken"];
export type FieldError = Schemas["FieldError"];
export type Problem = Schemas["Problem"];
