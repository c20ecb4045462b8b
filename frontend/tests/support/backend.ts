import { once } from "node:events";
import { createServer, type RequestListener, type Server } from "node:http";
import type { AddressInfo } from "node:net";

export interface TestServer {
  port: number;
  url: string;
  close(): Promise<void>;
}

/** Starts a server on a free port, or on `port` to replace one that was closed. */
export async function startServer(handler: RequestListener | Server, port = 0): Promise<TestServer> {
  const server = typeof handler === "function" ? createServer(handler) : handler;
  server.listen(port, "127.0.0.1");
  await once(server, "listening");
  const actual = (server.address() as AddressInfo).port;
  return {
    port: actual,
    url: `http://127.0.0.1:${actual}`,
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** A handler that responds with a description of the request. */
export const echo: RequestListener = async (request, response) => {
  const body = Buffer.concat(await request.toArray()).toString();
  response.setHeader("content-type", "application/json");
  response.end(JSON.stringify({ method: request.method, url: request.url, headers: request.headers, body }));
};
