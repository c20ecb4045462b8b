import { expect, test } from "vitest";
import { createRouteMatcher } from "@/server/routes";

test.each([
  ["/", "/"],
  ["/tasks", "/tasks"],
  ["/chat/0199", "/chat/[id]"],
  ["/chat/0199/x", "unmatched"],
  ["/wp-login.php", "unmatched"],
  ["/api/health", "/api/health"],
  ["/api/tasks/0199", "/api/*"],
  ["/_next/static/chunks/a.js", "/_next/*"],
])("%s is route %s", (path, route) => {
  expect(createRouteMatcher(["/", "/tasks", "/chat/[id]"])(path)).toBe(route);
});
