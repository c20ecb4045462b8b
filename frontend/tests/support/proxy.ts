import { once } from "node:events";
import { createServer, type IncomingMessage, type RequestListener, request } from "node:http";
import { afterEach, vi } from "vitest";
import { requestListener } from "@/server/listener";
import { setLevel } from "@/server/log";
import { createRouteMatcher } from "@/server/routes";
import { echo, startServer, type TestServer } from "./backend";

setLevel("off");
const servers: TestServer[] = [];

afterEach(async () => {
  vi.unstubAllEnvs();
  await Promise.all(servers.splice(0).map((server) => server.close()));
});

/** Starts a server that ends with the test. */
export async function start(...parameters: Parameters<typeof startServer>): Promise<TestServer> {
  const server = await startServer(...parameters);
  servers.push(server);
  return server;
}

/** Starts the frontend's request listener in front of a backend. */
export async function serve(backend: RequestListener = echo) {
  const upstream = await start(backend);
  vi.stubEnv("BACKEND_URL", upstream.url);
  const pages = async (_: unknown, response: { end(text: string): void }) => response.end("page");
  const closing = new AbortController();
  const frontend = await start(
    createServer(requestListener({ pages, matchRoute: createRouteMatcher([]), closing: closing.signal })),
  );
  return { upstream, closing, ...frontend };
}

/** Sends a request without the changes that fetch makes: it decompresses bodies and hides headers. */
export async function send(url: string, options: object = {}, body?: string): Promise<IncomingMessage> {
  const outgoing = request(url, options);
  if (body !== undefined) outgoing.setHeader("content-length", Buffer.byteLength(body));
  outgoing.end(body);
  const [response] = await once(outgoing, "response");
  return response;
}

export const json = async (response: IncomingMessage) => JSON.parse(Buffer.concat(await response.toArray()).toString());
