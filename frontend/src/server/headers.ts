import type { IncomingMessage } from "node:http";

/** Headers that concern one connection only (RFC 9110, section 7.6.1). */
const HOP_BY_HOP = [
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
];

function hopByHop(connection: string | undefined): Set<string> {
  const named = connection?.split(",").map((name) => name.trim().toLowerCase()) ?? [];
  return new Set([...HOP_BY_HOP, ...named]);
}

/** The headers for the backend: those of the client, and the address from which the request really came. */
export function requestHeaders(request: IncomingMessage, requestId: string) {
  const dropped = hopByHop(request.headers.connection);
  const forwarded = Object.entries(request.headers).filter(([name]) => !dropped.has(name));
  const { host: _, forwarded: __, "x-real-ip": ___, ...headers } = Object.fromEntries(forwarded);
  const proto = headers["x-forwarded-proto"];
  const forwardedFor = headers["x-forwarded-for"];
  // A body without a length must stay chunked; otherwise the backend would parse it as the next request.
  if (request.headers["transfer-encoding"] !== undefined) headers["transfer-encoding"] = "chunked";
  return {
    ...headers,
    "x-request-id": requestId,
    "x-forwarded-host": request.headers.host ?? "",
    "x-forwarded-proto": proto === "https" ? "https" : "http",
    // Only the last entry is certain, since this server adds it. The client may have made up the others.
    "x-forwarded-for": [forwardedFor, request.socket.remoteAddress].filter(Boolean).join(", "),
  };
}

/** The headers of the backend's response, including repeated names. */
export function* responseHeaders(response: IncomingMessage): Generator<[name: string, value: string]> {
  const dropped = hopByHop(response.headers.connection).add("x-request-id");
  for (let index = 0; index + 1 < response.rawHeaders.length; index += 2) {
    const name = response.rawHeaders[index] ?? "";
    if (!dropped.has(name.toLowerCase())) yield [name, response.rawHeaders[index + 1] ?? ""];
  }
}
