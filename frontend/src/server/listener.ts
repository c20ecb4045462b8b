import type { IncomingMessage, RequestListener, ServerResponse } from "node:http";
import { forward } from "./api-proxy";
import { log } from "./log";
import { observe } from "./observe";
import { BAD_REQUEST, sendProblem } from "./problem";
import type { RouteOf } from "./routes";

interface Options {
  /** Answers everything outside `/api/`. */
  pages: (request: IncomingMessage, response: ServerResponse) => Promise<void>;
  routeOf: RouteOf;
  /** Aborted when event streams must end. */
  closing: AbortSignal;
}

/** Sends each request where it belongs: the backend, the health answer, or Next.js. */
export function requestListener({ pages, routeOf, closing }: Options): RequestListener {
  return async (request, response) => {
    const id = observe(request, response, routeOf);
    const target = request.url ?? "";
    try {
      if (/^\/api\/health(\?|$)/.test(target)) sendHealth(response);
      else if (target.startsWith("/api/")) forward(request, response, id, closing);
      // Asterisk and absolute form are for proxies, which this server is not.
      else if (!target.startsWith("/")) sendProblem(response, BAD_REQUEST, id);
      else await pages(request, response);
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
