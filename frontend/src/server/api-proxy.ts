import http, { type IncomingMessage, type ServerResponse } from "node:http";
import https from "node:https";
import { Transform } from "node:stream";
import { urlToHttpOptions } from "node:url";
import { getBackendUrl } from "./config";
import { requestHeaders, responseHeaders } from "./headers";
import { log } from "./log";
import { BACKEND_UNAVAILABLE, BAD_REQUEST, sendProblem } from "./problem";

/** Longer than the 5 s after which a resolver repeats its query, so that one lost packet is not an outage. */
const CONNECT_TIMEOUT_MS = 8_000;
/** The time without data in either direction. Event streams have a heartbeat every 15 s. */
const IDLE_TIMEOUT_MS = 60_000;

// Each request has its own connection. The backend may close an idle one just when a request is sent on it, and that
// request could not be repeated safely. Idle connections would also keep requests away from new replicas.
const agents = { "http:": new http.Agent({ keepAlive: false }), "https:": new https.Agent({ keepAlive: false }) };

/** Whether the path is below `/api/`, no matter how often a server decodes and normalises it. */
export function isSafePath(target: string): boolean {
  const path = target.split("?", 1)[0] ?? "";
  if (!path.startsWith("/api/") || /[\\#]/.test(path)) return false;
  return path.split("/").every((segment) => {
    try {
      const decoded = decodeURIComponent(segment);
      // biome-ignore lint/suspicious/noControlCharactersInRegex: the check is about control characters.
      return !/^\.{1,2}(;|$)|[/\\\u0000-\u001f\u007f]/.test(decoded);
    } catch {
      return false;
    }
  });
}

/**
 * Forwards a request to the backend and streams the response back without a change. The address of the backend comes
 * only from `BACKEND_URL`, and the path is sent as it was received, so a request cannot change its destination.
 * `closing` ends event streams, which would otherwise delay the end of the process.
 */
export function forwardRequest(
  request: IncomingMessage,
  response: ServerResponse,
  requestId: string,
  closing: AbortSignal,
) {
  const target = request.url ?? "";
  if (!isSafePath(target)) return sendProblem(response, BAD_REQUEST, requestId);

  const backendUrl = getBackendUrl();
  if (!backendUrl) {
    log.error({ request_id: requestId }, "BACKEND_URL is missing or not an http:// or https:// address");
    return sendProblem(response, BACKEND_UNAVAILABLE, requestId);
  }

  const secure = backendUrl.protocol === "https:";
  const upstream = (secure ? https : http).request({
    ...urlToHttpOptions(backendUrl),
    agent: agents[secure ? "https:" : "http:"],
    method: request.method,
    path: target,
    headers: requestHeaders(request, requestId),
    timeout: CONNECT_TIMEOUT_MS,
  });

  upstream.on("socket", (socket) =>
    socket.once("connect", () => {
      socket.setTimeout(IDLE_TIMEOUT_MS);
      request.pipe(yieldBetweenChunks()).pipe(upstream);
    }),
  );
  upstream.on("timeout", () => upstream.destroy(new Error("timed out")));
  upstream.on("error", (error) => {
    if (response.destroyed || response.headersSent) return;
    log.warn({ request_id: requestId, cause: error.message }, "backend unavailable");
    sendProblem(response, BACKEND_UNAVAILABLE, requestId);
  });
  // The rest of an upload is read and dropped, since a client may not read the response before it has sent everything.
  upstream.on("close", () => request.unpipe().resume());
  upstream.on("response", (upstreamResponse) => relayResponse(upstreamResponse, response, closing));
  response.on("close", () => upstream.destroy());
}

/**
 * Lets the event loop run between the chunks of an upload. If the backend refuses the rest and closes the connection,
 * its response is then read before the next write fails. A failed write would discard it.
 */
function yieldBetweenChunks() {
  return new Transform({ transform: (chunk, _, done) => void setImmediate(done, null, chunk) });
}

function relayResponse(upstreamResponse: IncomingMessage, response: ServerResponse, closing: AbortSignal) {
  for (const [name, value] of responseHeaders(upstreamResponse)) response.appendHeader(name, value);
  response.writeHead(upstreamResponse.statusCode ?? 502, upstreamResponse.statusMessage);
  // The client's event stream opens with the headers, which may be sent long before the first event.
  response.flushHeaders();
  // The client's connection is closed too, so that the client does not take half a response for a whole one.
  upstreamResponse.on("error", () => response.destroy());
  upstreamResponse.pipe(response);

  if (upstreamResponse.headers["content-type"]?.startsWith("text/event-stream")) {
    const end = () => {
      upstreamResponse.unpipe(response);
      response.end();
    };
    closing.addEventListener("abort", end);
    response.on("close", () => closing.removeEventListener("abort", end));
  }
}
