import { randomUUID } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import { log } from "./log";
import { countRequest, inFlight } from "./metrics";
import type { RouteMatcher } from "./routes";

/** A short id without characters that need escaping in a log. The backend has the same rule. */
const VALID_REQUEST_ID = /^[\w.:-]{1,128}$/;

/** Sets the id of a request, and logs and counts it at its end. Query strings are not logged: they may have secrets. */
export function observeRequest(request: IncomingMessage, response: ServerResponse, matchRoute: RouteMatcher): string {
  const started = performance.now();
  const incoming = request.headers["x-request-id"];
  const id = typeof incoming === "string" && VALID_REQUEST_ID.test(incoming) ? incoming : randomUUID();
  request.headers["x-request-id"] = id;
  response.setHeader("x-request-id", id);

  const method = request.method ?? "";
  // Next.js changes the URL later, so the path is read now.
  const path = request.url?.split("?", 1)[0] ?? "";
  const route = matchRoute(path);
  const responseStart = recordResponseStart(response);
  inFlight.inc();

  response.once("close", () => {
    inFlight.dec();
    const now = performance.now();
    countRequest(method, route, response.statusCode, ((responseStart() ?? now) - started) / 1000);
    const ms = Math.round((now - started) * 1000) / 1000;
    const aborted = response.writableFinished ? undefined : true;
    log.info({ method, route, path, status: response.statusCode, ms, request_id: id, aborted }, "request");
  });
  return id;
}

/** Records when the headers are written, which for an event stream is long before its end. */
function recordResponseStart(response: ServerResponse): () => number | undefined {
  let time: number | undefined;
  const writeHead = response.writeHead;
  response.writeHead = (...args: unknown[]) => {
    time ??= performance.now();
    return Reflect.apply(writeHead, response, args);
  };
  return () => time;
}
