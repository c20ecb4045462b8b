import type { IncomingHttpHeaders, IncomingMessage } from "node:http";

/** Headers that concern one connection only (RFC 9110, section 7.6.1). */
const HOP_BY_HOP = new Set([
  "connection",
  "expect",
  "keep-alive",
  "proxy-authenticate",
  "proxy-authorization",
  "proxy-connection",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
]);

/** Headers of a client that this server replaces by its own. */
const REPLACED = new Set([
  "forwarded",
  "host",
  "x-forwarded-for",
  "x-forwarded-host",
  "x-forwarded-proto",
  "x-real-ip",
  "x-request-id",
]);

/** The names in a header such as `Connection: close, x-other`. */
function namesIn(connection: string | undefined): string[] {
  return connection?.split(",").map((name) => name.trim().toLowerCase()) ?? [];
}

/** The headers for the backend: those of the client, and the address from which the request really came. */
export function requestHeaders(request: IncomingMessage, requestId: string) {
  const { headers } = request;
  const named = namesIn(headers.connection);
  const result: IncomingHttpHeaders = {};
  for (const name in headers) {
    if (!HOP_BY_HOP.has(name) && !REPLACED.has(name) && !named.includes(name)) result[name] = headers[name];
  }
  const forwardedFor = named.includes("x-forwarded-for") ? undefined : headers["x-forwarded-for"];
  const proto = named.includes("x-forwarded-proto") ? undefined : headers["x-forwarded-proto"];
  result["x-request-id"] = requestId;
  result["x-forwarded-host"] = headers.host ?? "";
  result["x-forwarded-proto"] = proto === "https" ? "https" : "http";
  // Only the last entry is certain, since this server adds it. The client may have made up the others.
  result["x-forwarded-for"] = [forwardedFor, request.socket.remoteAddress].filter(Boolean).join(", ");
  return result;
}

/** The headers of the backend's response, including repeated names. */
export function responseHeaders(headers: IncomingHttpHeaders): IncomingHttpHeaders {
  const named = namesIn(headers.connection);
  const result: IncomingHttpHeaders = {};
  for (const name in headers) {
    if (!HOP_BY_HOP.has(name) && name !== "x-request-id" && !named.includes(name)) result[name] = headers[name];
  }
  return result;
}
