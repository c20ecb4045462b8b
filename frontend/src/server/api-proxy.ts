import http, { type IncomingMessage, type ServerResponse } from "node:http";
import https from "node:https";
import { Transform } from "node:stream";
import { urlToHttpOptions } from "node:url";
import { currentBackend } from "./config";
import { requestHeaders, responseHeaders } from "./headers";
import { log } from "./log";
import { BACKEND_UNAVAILABLE, BAD_REQUEST, sendProblem } from "./problem";

/** Longer than the 5 s after which a resolver asks again: one lost packet to the name server is no outage. */
const CONNECT_TIMEOUT = 8_000;
/** Without a byte in either direction. Event streams have a heartbeat every 15 s. */
const IDLE_TIMEOUT = 60_000;

// A connection per request: a kept one may be closed by the backend while a request is on its way, which could not
// be repeated safely, and it would keep a new replica without work.
const agents = { "http:": new http.Agent({ keepAlive: false }), "https:": new https.Agent({ keepAlive: false }) };

/** Whether the path names something under `/api/` for every reader, however often it decodes and resolves it. */
export function isSafePath(target: string): boolean {
  const path = target.split("?", 1)[0] ?? "";
  if (!path.startsWith("/api/") || /[\\#]/.test(path)) return false;
  return path.split("/").every((segment) => {
    try {
      const decoded = decodeURIComponent(segment);
      // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what it looks for.
      return !/^\.{1,2}(;|$)|[/\\\u0000-\u001f\u007f]/.test(decoded);
    } catch {
      return false;
    }
  });
}

/**
 * Passes a request to the backend and streams the answer back, byte for byte. The backend's address comes from
 * `BACKEND_URL` alone and the path is sent as it came, so nothing in a request can change who receives it.
 * `closing` ends event streams, which would otherwise hold up the end of the process.
 */
export function forward(request: IncomingMessage, response: ServerResponse, requestId: string, closing: AbortSignal) {
  const target = request.url ?? "";
  if (!isSafePath(target)) return sendProblem(response, BAD_REQUEST, requestId);

  const backend = currentBackend();
  if (!backend) {
    log.error({ request_id: requestId }, "BACKEND_URL is missing or not an http:// or https:// address");
    return sendProblem(response, BACKEND_UNAVAILABLE, requestId);
  }

  const secure = backend.protocol === "https:";
  const upstream = (secure ? https : http).request({
    ...urlToHttpOptions(backend),
    agent: agents[secure ? "https:" : "http:"],
    method: request.method,
    path: target,
    headers: requestHeaders(request, requestId),
    timeout: CONNECT_TIMEOUT,
  });

  upstream.on("socket", (socket) =>
    socket.once("connect", () => {
      socket.setTimeout(IDLE_TIMEOUT);
      request.pipe(yielding()).pipe(upstream);
    }),
  );
  upstream.on("timeout", () => upstream.destroy(new Error("timed out")));
  upstream.on("error", (error) => {
    if (response.destroyed || response.headersSent) return;
    log.warn({ request_id: requestId, cause: error.message }, "backend unavailable");
    sendProblem(response, BACKEND_UNAVAILABLE, requestId);
  });
  // The rest of an upload that nobody reads any more is read and dropped, so that the client gets to see the answer.
  upstream.on("close", () => request.unpipe().resume());
  upstream.on("response", (answer) => relay(answer, response, closing));
  response.on("close", () => upstream.destroy());
}

/**
 * Lets the event loop turn between the chunks of an upload. The answer of a backend that refuses the rest and hangs up
 * is then read before the next write fails; a failed write would discard it.
 */
function yielding() {
  return new Transform({ transform: (chunk, _, done) => void setImmediate(done, null, chunk) });
}

function relay(answer: IncomingMessage, response: ServerResponse, closing: AbortSignal) {
  for (const [name, value] of responseHeaders(answer)) response.appendHeader(name, value);
  response.writeHead(answer.statusCode ?? 502, answer.statusMessage);
  // An event stream is open once its headers arrive, which may be long before the first event.
  response.flushHeaders();
  // Cut the client's connection too, so that half an answer is not taken for a whole one.
  answer.on("error", () => response.destroy());
  answer.pipe(response);

  if (answer.headers["content-type"]?.startsWith("text/event-stream")) {
    const end = () => {
      answer.unpipe(response);
      response.end();
    };
    closing.addEventListener("abort", end);
    response.on("close", () => closing.removeEventListener("abort", end));
  }
}
