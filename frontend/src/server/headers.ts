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

/** What the backend is sent: the client's headers, and where the request really came from. */
export function requestHeaders(request: IncomingMessage, requestId: string) {
  const dropped = hopByHop(request.headers.connection);
  const kept = Object.entries(request.headers).filter(([name]) => !dropped.has(name));
  const { host: _, forwarded: __, "x-real-ip": ___, ...headers } = Object.fromEntries(kept);
  const proto = headers["x-forwarded-proto"];
  const chain = headers["x-forwarded-for"];
  // A body without a length must stay chunked, or the backend would take it for the next request.
  if (request.headers["transfer-encoding"] !== undefined) headers["transfer-encoding"] = "chunked";
  return {
    ...headers,
    "x-request-id": requestId,
    "x-forwarded-host": request.headers.host ?? "",
    "x-forwarded-proto": proto === "https" ? "https" : "http",
    // The last entry is what this server saw itself; the ones before it are claims.
    "x-forwarded-for": [chain, request.socket.remoteAddress].filter(Boolean).join(", "),
  };
}

/** The backend's headers as they came, several of a name included. */
export function* responseHeaders(response: IncomingMessage): Generator<[name: string, value: string]> {
  const dropped = hopByHop(response.headers.connection).add("x-request-id");
  for (let index = 0; index + 1 < response.rawHeaders.length; index += 2) {
    const name = response.rawHeaders[index] ?? "";
    if (!dropped.has(name.toLowerCase())) yield [name, response.rawHeaders[index + 1] ?? ""];
  }
}
