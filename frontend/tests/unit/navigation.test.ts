import { expect, it } from "vitest";
import { safeNextPath } from "@/lib/navigation";

it.each(["/tasks", "/account", "/tasks?status=pending&q=a%2Fb", "/tasks#main"])("follows %s", (path) => {
  expect(safeNextPath(path)).toBe(path);
});

it.each([
  undefined,
  "",
  "tasks",
  "https://evil.example",
  "//evil.example",
  "/\\evil.example",
  "\\\\evil.example",
  "/\t/evil.example",
  "//",
  "/\t/",
  "/..//evil.example",
  "/.//evil.example",
  "javascript:alert(1)",
])("does not follow %j", (path) => {
  expect(safeNextPath(path)).toBe("/tasks");
});
