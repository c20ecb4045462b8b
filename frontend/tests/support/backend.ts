import { once } from "node:events";
import { createServer, type RequestListener, type Server } from "node:http";
import type { AddressInfo } from "node:net";

export interface TestServer {
  port: number;
  url: string;
  close(): Promise<void>;
}

/** Starts a real server on a free port, or on `port` to come back where one was. */
export async function start(handler: RequestListener | Server, port = 0): Promise<TestServer> {
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

/** A backend that answers with what it was asked. */
export const echo: RequestListener = async (request, response) => {
  const body = Buffer.concat(await request.toArray()).toString();
  response.setHeader("content-type", "application/json");
  response.end(JSON.stringify({ method: request.method, url: request.url, headers: request.headers, body }));
};
