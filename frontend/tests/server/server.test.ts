import { once } from "node:events";
import type { IncomingMessage } from "node:http";
import { get } from "node:http";
import { afterAll, beforeAll, expect, test } from "vitest";
import { echo, startServer, type TestServer } from "../support/backend";
import { type Frontend, launch, startFrontend } from "../support/frontend";
import { requestHead, sendRaw } from "../support/raw-request";
import { waitFor } from "../support/wait-for";

let backend: TestServer;
let frontend: Frontend;
let sendEvent = (_: string) => {};

const handler: Parameters<typeof startServer>[0] = (request, response) => {
  if (request.url !== "/api/events") return echo(request, response);
  response.writeHead(200, { "content-type": "text/event-stream" }).flushHeaders();
  sendEvent = (text) => response.write(text);
};

beforeAll(async () => {
  backend = await startServer(handler);
  frontend = await startFrontend(backend.url);
});

afterAll(async () => {
  await frontend.stop();
  await backend.close();
});

async function openEvents(url: string): Promise<IncomingMessage> {
  const [response] = await once(get(`${url}/api/events`), "response");
  return response;
}

test("events pass through the built server one by one", async () => {
  const events = await openEvents(frontend.url);
  for (const event of ["data: 1\n\n", "data: 2\n\n"]) {
    sendEvent(event);
    expect(String((await once(events, "data"))[0])).toBe(event);
  }
  events.destroy();
});

test("requests reach the backend with the client's address; a path that leaves /api/ does not", async () => {
  const received = await sendRaw(
    frontend.port,
    requestHead("/api/x?y=%2F", "X-Forwarded-For: 6.6.6.6", "X-Middleware-Subrequest: src/proxy"),
  );
  expect(received).toContain('"url":"/api/x?y=%2F"');
  expect(received).toContain('"x-forwarded-for":"6.6.6.6, 127.0.0.1"');
  for (const target of ["/api/../health", "/api/%2e%2e/health", "http://evil.example/api/x"]) {
    expect(await sendRaw(frontend.port, requestHead(target))).toMatch(/^HTTP\/1.1 400 /);
  }
  for (const target of ["//evil.example/api/x", "/x/../api/x", "/%61pi/x"]) {
    expect(await sendRaw(frontend.port, requestHead(target))).not.toContain('"url"');
  }
});

test("a restart of the backend needs no restart of the frontend", async () => {
  await backend.close();
  expect((await fetch(`${frontend.url}/api/tasks`)).status).toBe(502);
  expect((await fetch(`${frontend.url}/api/health`)).status).toBe(200);
  backend = await startServer(handler, backend.port);
  expect((await fetch(`${frontend.url}/api/tasks`)).status).toBe(200);
});

test("each request is logged as one JSON line without its query, cookies and tokens", async () => {
  const headers = {
    "x-request-id": "line-1",
    cookie: "todo_session=hidden-cookie",
    authorization: "Bearer hidden-token",
  };
  await fetch(`${frontend.url}/api/tasks?q=hidden-query`, { headers });
  const line = () => frontend.lines().find(({ request_id }) => request_id === "line-1");
  await waitFor("the log line of the request", () => line() !== undefined);
  expect(line()).toEqual({
    level: "INFO",
    timestamp: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
    message: "request",
    method: "GET",
    route: "/api/*",
    path: "/api/tasks",
    status: 200,
    ms: expect.any(Number),
    request_id: "line-1",
  });
  expect(frontend.output()).not.toContain("hidden");
});

test("metrics count requests by method, route and status class", async () => {
  await fetch(`${frontend.url}/no-such-page-${Date.now()}`);
  let text = "";
  for (let tries = 0; tries < 50 && !text.includes('route="unmatched",status="4xx"'); tries++) {
    text = await (await fetch(frontend.metricsUrl)).text();
  }
  expect(text).toMatch(/http_requests_total\{method="GET",route="unmatched",status="4xx"\} \d/);
  expect(text).toMatch(
    /http_request_duration_seconds_bucket\{le="0.005",method="GET",route="\/api\/\*",status="2xx"\} \d/,
  );
  expect(text).toMatch(/build_info\{version="\d+\.\d+\.\d+",revision="\w+"\} 1/);
  expect(text).toContain("process_resident_memory_bytes");
  expect(text).not.toContain("no-such-page");
  expect((await fetch(`${frontend.url}/metrics`)).status).toBe(404);
});

test("SIGTERM ends event streams and then the process, and every line of the log is JSON", async () => {
  const frontend = await startFrontend(backend.url);
  const events = await openEvents(frontend.url);
  const started = Date.now();
  const exitCode = frontend.stop();
  await events.resume().toArray();
  expect(events.complete).toBe(true);
  expect(await exitCode).toBe(0);
  expect(Date.now() - started).toBeLessThan(3_000);
  const messages = frontend.lines().map(({ message }) => message);
  expect(messages).toEqual(expect.arrayContaining(["listening", "stopping", "stopped"]));
});

test("after SIGTERM it continues to serve, and asks clients to close their connections", async () => {
  const frontend = await startFrontend(backend.url, { SHUTDOWN_DRAIN_SECONDS: "1" });
  const exitCode = frontend.stop();
  await waitFor("the signal", () => frontend.lines().some(({ message }) => message === "stopping"));
  const response = await fetch(`${frontend.url}/api/tasks`);
  expect([response.status, response.headers.get("connection")]).toEqual([200, "close"]);
  expect(await exitCode).toBe(0);
});

test("an invalid setting stops the start and is named without its value", async () => {
  const { exitCode, lines } = launch({ BACKEND_URL: "http://user:hunter2@backend", LOG_LEVEL: "shout" });
  expect(await exitCode).toBe(1);
  expect(lines().map(({ level }) => level)).toEqual(["ERROR"]);
  expect(lines()[0]?.message).toMatch(/BACKEND_URL must be .*; LOG_LEVEL must be one of/);
  expect(JSON.stringify(lines())).not.toMatch(/hunter2|shout/);
});

test("a port in use stops the start with one log line", async () => {
  const { exitCode, lines } = launch({ BACKEND_URL: backend.url, PORT: String(frontend.port) });
  expect(await exitCode).toBe(1);
  expect(lines().at(-1)).toMatchObject({ level: "ERROR", message: expect.stringContaining("EADDRINUSE") });
});
