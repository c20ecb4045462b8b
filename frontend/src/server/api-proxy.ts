import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from "node:http";
import { Transform } from "node:stream";
import type { Dispatcher } from "undici";
import { BackendPool, type Connection, type Reuse } from "./backend-pool";
import { getBackendUrl } from "./config";
import { requestHeaders, responseHeaders } from "./headers";
import { log } from "./log";
import { BACKEND_UNAVAILABLE, BAD_REQUEST, OVERLOADED, sendProblem } from "./problem";

/** Codes of errors after which it is unknown whether the backend has read the request. */
const CONNECTION_LOST = new Set(["ECONNRESET", "EPIPE", "UND_ERR_SOCKET"]);

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

  const pool = backendPool();
  if (!pool) {
    log.error({ request_id: requestId }, "BACKEND_URL is missing or not an http:// or https:// address");
    return sendProblem(response, BACKEND_UNAVAILABLE, requestId);
  }
  new Exchange(request, response, requestId, closing, pool).start();
}

let backend: { address: string | undefined; pool: BackendPool | undefined } = { address: undefined, pool: undefined };

/** The connections to the address that BACKEND_URL has now. */
function backendPool(): BackendPool | undefined {
  const address = process.env.BACKEND_URL;
  if (address !== backend.address) {
    backend.pool?.closeIdle();
    const url = getBackendUrl();
    backend = { address, pool: url && new BackendPool(url) };
  }
  return backend.pool;
}

/** A client's request, and the backend's response to it. */
class Exchange implements Dispatcher.DispatchHandler {
  readonly #request: IncomingMessage;
  readonly #response: ServerResponse;
  readonly #requestId: string;
  readonly #closing: AbortSignal;
  readonly #pool: BackendPool;
  readonly #hasBody: boolean;
  /** Whether the request may be sent twice. It then changes nothing, and has no body that could be read only once. */
  readonly #repeatable: boolean;
  /** Undefined before the exchange and after it. */
  #connection: Connection | undefined;
  #keepConnection = true;
  #hasData = false;

  constructor(
    request: IncomingMessage,
    response: ServerResponse,
    requestId: string,
    closing: AbortSignal,
    pool: BackendPool,
  ) {
    this.#request = request;
    this.#response = response;
    this.#requestId = requestId;
    this.#closing = closing;
    this.#pool = pool;
    const { "transfer-encoding": encoding, "content-length": length } = request.headers;
    this.#hasBody = encoding !== undefined || Number(length ?? 0) > 0;
    this.#repeatable = !this.#hasBody && (request.method === "GET" || request.method === "HEAD");
  }

  start() {
    this.#response.once("close", () => this.#end(false));
    this.#send(this.#repeatable ? "any" : "recent");
  }

  #send(reuse: Reuse) {
    this.#connection = this.#pool.acquire(reuse);
    if (!this.#connection) return sendProblem(this.#response, OVERLOADED, this.#requestId);
    const { method = "", url = "" } = this.#request;
    const headers = requestHeaders(this.#request, this.#requestId);
    const body = this.#hasBody ? this.#request.pipe(yieldBetweenChunks()) : null;
    this.#connection.client.dispatch({ method, path: url, headers, body }, this);
  }

  /** Gives the connection back. The client's request and the response to it may still go on. */
  #end(reusable: boolean) {
    if (!this.#connection) return;
    this.#pool.release(this.#connection, reusable);
    this.#connection = undefined;
    // The rest of an upload is read and dropped, since a client may not read the response before it has sent everything.
    if (this.#hasBody) this.#request.unpipe().resume();
  }

  /** Part of the interface, by which undici recognises its version. */
  onRequestStart() {}

  onResponseStart(_: Dispatcher.DispatchController, status: number, headers: IncomingHttpHeaders, reason?: string) {
    if (status < 200) return;
    this.#keepConnection = !headers.connection?.toLowerCase().includes("close");
    this.#response.writeHead(status, reason, responseHeaders(headers));
    // The client's event stream opens with the headers, which may be sent long before the first event. Data that has
    // arrived together with them is sent together with them.
    queueMicrotask(() => {
      if (!this.#hasData && !this.#response.writableEnded) this.#response.flushHeaders();
    });
    if (headers["content-type"]?.startsWith("text/event-stream")) this.#endOnClosing();
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer) {
    this.#hasData = true;
    if (this.#response.write(chunk)) return;
    controller.pause();
    this.#response.once("drain", () => controller.resume());
  }

  onResponseEnd() {
    this.#end(this.#keepConnection);
    this.#response.end();
  }

  onResponseError(_: Dispatcher.DispatchController, error: NodeJS.ErrnoException) {
    const connection = this.#connection;
    // The client has gone, or its event stream has been ended.
    if (!connection) return;
    // A new connection was not closed for having been idle, so the request is never sent a third time.
    const repeat = this.#repeatable && connection.kept && CONNECTION_LOST.has(error.code ?? "");
    this.#end(false);
    // The client's connection is closed too, so that the client does not take half a response for a whole one.
    if (this.#response.headersSent) this.#response.destroy();
    else if (repeat) this.#send("none");
    else {
      log.warn({ request_id: this.#requestId, cause: error.message }, "backend unavailable");
      sendProblem(this.#response, BACKEND_UNAVAILABLE, this.#requestId);
    }
  }

  /** Ends an event stream early, since it would otherwise delay the end of this process. */
  #endOnClosing() {
    const end = () => {
      this.#end(false);
      this.#response.end();
    };
    this.#closing.addEventListener("abort", end);
    this.#response.once("close", () => this.#closing.removeEventListener("abort", end));
  }
}

/**
 * Lets the event loop run between the chunks of an upload. If the backend refuses the rest and closes the connection,
 * its response is then read before the next write fails. A failed write would discard it.
 */
function yieldBetweenChunks() {
  return new Transform({ transform: (chunk, _, done) => void setImmediate(done, null, chunk) });
}
