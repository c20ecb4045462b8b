import { expect, test } from "vitest";
import { readConfig } from "@/server/config";

const environment = (variables: Record<string, string> = {}) => ({
  NODE_ENV: "test" as const,
  BACKEND_URL: "http://todo-backend:8000",
  ...variables,
});

test("only BACKEND_URL is required", () => {
  expect(readConfig(environment())).toEqual({
    BACKEND_URL: "http://todo-backend:8000",
    HOST: "0.0.0.0",
    PORT: 3000,
    METRICS_PORT: 9091,
    REVISION: "unknown",
    LOG_LEVEL: "info",
    SHUTDOWN_DRAIN_SECONDS: 5,
    SHUTDOWN_TIMEOUT_SECONDS: 15,
  });
});

test("the error names every invalid variable and shows no value", () => {
  const invalid = {
    BACKEND_URL: "http://user:hunter2@backend",
    PORT: "eighty",
    METRICS_PORT: "99999",
    LOG_LEVEL: "shout",
    SHUTDOWN_DRAIN_SECONDS: "-1",
  };
  const message = (() => {
    try {
      readConfig(environment(invalid));
    } catch (error) {
      return String(error);
    }
  })();
  for (const [name, value] of Object.entries(invalid)) {
    expect(message).toContain(name);
    expect(message).not.toContain(value);
  }
});

test.each([
  "",
  "backend:8000",
  "ftp://backend",
  "http://backend/api",
  "http://backend/?x",
  "http://user@backend",
  "http://",
])("BACKEND_URL=%s is refused", (url) =>
  expect(() => readConfig(environment({ BACKEND_URL: url }))).toThrow("BACKEND_URL"),
);

test.each([
  ["", "info"],
  ["DEBUG", "debug"],
  ["off", "off"],
  ["warn,sqlx=debug", "warn"],
  ["sqlx=debug", "info"],
])("LOG_LEVEL=%s means %s, as for the backend", (filter, level) => {
  expect(readConfig(environment({ LOG_LEVEL: filter })).LOG_LEVEL).toBe(level);
});
