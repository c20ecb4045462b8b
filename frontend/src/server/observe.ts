import { randomUUID } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import { log } from "./log";
import { countRequest, inFlight } from "./metrics";
import type { RouteOf } from "./routes";

/** Short, and of characters that need no escaping in a log: the backend's rule. */
const SANE_ID = /^[\w.:-]{1,128}$/;

/** Gives a request its id, and a log line and metrics once it is over. Query strings stay out: they may hold secrets. */
export function observe(request: IncomingMessage, response: ServerResponse, routeOf: RouteOf): string {
  const started = performance.now();
  const incoming = request.headers["x-request-id"];
  const id = typeof incoming === "string" && SANE_ID.test(incoming) ? incoming : randomUUID();
  request.headers["x-request-id"] = id;
  response.setHeader("x-request-id", id);

  const method = request.method ?? "";
  // Taken now: Next.js changes the URL while it works.
  const path = request.url?.split("?", 1)[0] ?? "";
  const route = routeOf(path);
  const answered = whenAnswered(response);
  inFlight.inc();

  response.once("close", () => {
    inFlight.dec();
    const now = performance.now();
    countRequest(method, route, response.statusCode, ((answered() ?? now) - started) / 1000);
    const ms = Math.round((now - started) * 1000) / 1000;
    const aborted = response.writableFinished ? undefined : true;
    log.info({ method, route, path, status: response.statusCode, ms, request_id: id, aborted }, "request");
  });
  return id;
}

/** Notes when the head of the answer is written; for an event stream that is long before its end. */
function whenAnswered(response: ServerResponse): () => number | undefined {
  let time: number | undefined;
  const writeHead = response.writeHead;
  response.writeHead = (...args: unknown[]) => {
    time ??= performance.now();
    return Reflect.apply(writeHead, response, args);
  };
  return () => time;
}
