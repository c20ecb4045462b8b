import { setMaxListeners } from "node:events";
import type { IncomingMessage, RequestListener, ServerResponse } from "node:http";
import { forwardRequest } from "./api-proxy";
import { log } from "./log";
import { observeRequest } from "./observe";
import { BAD_REQUEST, sendProblem } from "./problem";
import type { RouteMatcher } from "./routes";
import { setSecurityHeaders } from "./security-headers";
import type { StaticFiles } from "./static-files";

interface Options {
  /** Absent during development, when Next.js serves them. */
  files?: StaticFiles;
  /** Responds to everything else outside `/api/`. */
  pages: (request: IncomingMessage, response: ServerResponse) => Promise<void>;
  matchRoute: RouteMatcher;
  /** Aborted when event streams must end. */
  closing: AbortSignal;
}

/** Sends each request to the backend, the health endpoint, the static files or Next.js. */
export function requestListener({ files, pages, matchRoute, closing }: Options): RequestListener {
  // Every open event stream listens. From the eleventh on, Node.js would warn of a leak.
  setMaxListeners(0, closing);
  return async (request, response) => {
    const id = observeRequest(request, response, matchRoute);
    const target = request.url ?? "";
    try {
      if (/^\/api\/health(\?|$)/.test(target)) sendHealth(response);
      else if (target.startsWith("/api/")) forwardRequest(request, response, id, closing);
      // Only proxies receive request targets in asterisk form or absolute form.
      else if (!target.startsWith("/")) sendProblem(response, BAD_REQUEST, id);
      else {
        setSecurityHeaders(response);
        if (!files?.(request, response)) await pages(request, response);
      }
    } catch (error) {
      log.error({ error, request_id: id }, "request failed");
      if (response.headersSent) response.destroy();
      else response.writeHead(500).end();
    }
  };
}

function sendHealth(response: ServerResponse) {
  response.setHeader("cache-control", "no-store");
  response.setHeader("content-type", "application/json");
  response.end(JSON.stringify({ status: "ok" }));
}
