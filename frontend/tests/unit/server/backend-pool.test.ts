import { once } from "node:events";
import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from "node:http";
import { connect, createServer as createTcpServer, type Socket } from "node:net";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { BackendPool, type Connection } from "@/server/backend-pool";
import { json, send, serve, start } from "../../support/proxy";
import { requestHead, sendRaw } from "../../support/raw-request";
import { waitFor } from "../../support/wait-for";

let passed = 0;

beforeEach(() => {
  const now = performance.now.bind(performance);
  passed = 0;
  vi.spyOn(performance, "now").mockImplementation(() => now() + passed);
});

afterEach(() => vi.restoreAllMocks());

/** A backend that records the connection of each request. */
function recording(respond: RequestListener = (_, response) => void response.end("ok")) {
  const requests: { method: string | undefined; socket: Socket }[] = [];
  const handler: RequestListener = async (request, response) => {
    await request.toArray();
    requests.push({ method: request.method, socket: request.socket });
    respond(request, response);
  };
  return { requests, handler, connections: () => new Set(requests.map(({ socket }) => socket)).size };
}

/** Answers the first request, and then closes each connection on which another request is received. */
function closingAfterFirst() {
  let first = true;
  return recording((request: IncomingMessage, response: ServerResponse) => {
    if (first) response.end("ok");
    else request.socket.resetAndDestroy();
    first = false;
  });
}

const status = async (url: string, method = "GET") => {
  const response = await send(`${url}/api/x`, { method }, method === "GET" ? undefined : "{}");
  await response.toArray();
  return response.statusCode;
};

test("requests use the same connection one after the other", async () => {
  const backend = recording();
  const { url } = await serve(backend.handler);
  for (const method of ["GET", "POST", "GET", "DELETE"]) expect(await status(url, method)).toBe(200);
  expect(backend.connections()).toBe(1);
});

test("a request that must not be repeated uses no connection that was idle for long", async () => {
  const backend = recording();
  const { url } = await serve(backend.handler);
  await status(url);
  passed += 1_500;
  expect(await status(url, "POST")).toBe(200);
  expect(backend.connections()).toBe(2);
  passed += 1_500;
  expect(await status(url)).toBe(200);
  expect(backend.connections()).toBe(2);
});

test.each(["GET", "POST"])("%s succeeds after the backend has closed the idle connection", async (method) => {
  const backend = recording((request, response) => void response.end("ok", () => request.socket.destroy()));
  const { url } = await serve(backend.handler);
  for (let round = 0; round < 20; round++) expect(await status(url, method)).toBe(200);
  expect(backend.requests).toHaveLength(20);
});

test("a request that the backend may have read is not sent again, except GET and HEAD without a body", async () => {
  for (const method of ["POST", "PUT", "PATCH", "DELETE", "OPTIONS"]) {
    const backend = closingAfterFirst();
    const { url } = await serve(backend.handler);
    await status(url);
    expect(await status(url, method), method).toBe(502);
    expect(backend.requests).toHaveLength(2);
  }
});

test("a GET with a body is not sent again", async () => {
  const backend = closingAfterFirst();
  const { url } = await serve(backend.handler);
  await status(url);
  expect((await send(`${url}/api/x`, {}, "{}")).statusCode).toBe(502);
  expect(backend.requests).toHaveLength(2);
});

test("GET and HEAD are sent again on a new connection when the kept one was lost", async () => {
  for (const method of ["GET", "HEAD"]) {
    let requests = 0;
    const { url } = await serve((request, response) => {
      if (++requests === 2) request.socket.resetAndDestroy();
      else response.end("ok");
    });
    await status(url);
    expect((await send(`${url}/api/x`, { method })).statusCode, method).toBe(200);
    expect(requests).toBe(3);
  }
});

test("GET is sent again only once", async () => {
  const backend = closingAfterFirst();
  const { url } = await serve(backend.handler);
  await status(url);
  expect(await status(url)).toBe(502);
  expect(backend.requests).toHaveLength(3);
});

test("no request follows a response with Connection: close", async () => {
  const backend = recording((_, response) => void response.setHeader("connection", "close").end("ok"));
  const { url } = await serve(backend.handler);
  for (const method of ["GET", "POST", "GET"]) expect(await status(url, method)).toBe(200);
  expect(backend.connections()).toBe(3);
});

test("requests spread over the replicas behind one address", async () => {
  const replicas = [recording(), recording()];
  const ports = await Promise.all(replicas.map(async ({ handler }) => (await start(handler)).port));
  const { url, upstream } = await serve();
  await upstream.close();
  let connections = 0;
  const service = createTcpServer((socket) => {
    const replica = connect(ports[connections++ % 2] ?? 0, "127.0.0.1");
    for (const end of [socket, replica]) end.on("error", () => {});
    socket.pipe(replica).pipe(socket);
  });
  service.listen(upstream.port, "127.0.0.1");
  await once(service, "listening");
  for (let second = 0; second < 40; second++) {
    passed += 1_000;
    expect(await status(url)).toBe(200);
  }
  service.close();
  for (const { requests } of replicas) expect(requests.length).toBeGreaterThan(9);
  expect(connections).toBeLessThan(10);
});

test("event streams do not keep other requests from their connections", async () => {
  const sockets = new Set<Socket>();
  const { url } = await serve((request, response) => {
    if (request.url !== "/api/events") {
      sockets.add(request.socket);
      response.end("ok");
    } else response.writeHead(200, { "content-type": "text/event-stream" }).flushHeaders();
  });
  const streams = await Promise.all(Array.from({ length: 100 }, () => send(`${url}/api/events`)));
  for (let round = 0; round < 5; round++) expect(await status(url)).toBe(200);
  expect(sockets.size).toBe(1);
  for (const stream of streams) stream.destroy();
});

test("after many requests at the same time, only some connections stay open", async () => {
  let waiting: ServerResponse[] = [];
  const server = createServer((_, response) => void waiting.push(response));
  const { port } = await start(server);
  const { url } = await serve();
  vi.stubEnv("BACKEND_URL", `http://127.0.0.1:${port}`);
  const responses = Array.from({ length: 100 }, () => status(url));
  await waitFor("all requests", () => waiting.length === 100);
  for (const response of waiting) response.end("ok");
  waiting = [];
  expect(new Set(await Promise.all(responses))).toEqual(new Set([200]));
  let open = 100;
  await waitFor("connections to be closed", () => {
    server.getConnections((_, count) => {
      open = count;
    });
    return open <= 64;
  });
  expect(open).toBe(64);
});

test("a connection that failed while it was idle is not used", async () => {
  let sockets: Socket[] = [];
  const backend = recording((request, response) => {
    sockets.push(request.socket);
    response.end("ok");
  });
  const { url } = await serve(backend.handler);
  await Promise.all(Array.from({ length: 5 }, () => status(url)));
  for (const socket of sockets) socket.resetAndDestroy();
  sockets = [];
  expect(await Promise.all(Array.from({ length: 5 }, () => status(url, "POST")))).toEqual([200, 200, 200, 200, 200]);
  expect(backend.requests).toHaveLength(10);
});

test("a client that goes away frees its connection", async () => {
  const sockets: Socket[] = [];
  const { url, port } = await serve((request, response) => {
    sockets.push(request.socket);
    if (request.url === "/api/fast") response.end("ok");
  });
  const client = connect(port, "127.0.0.1");
  client.write(requestHead("/api/slow"));
  await waitFor("the request", () => sockets.length === 1);
  client.destroy();
  await waitFor("the end of the connection", () => sockets[0]?.destroyed === true);
  expect((await send(`${url}/api/fast`)).statusCode).toBe(200);
});

test("a response that arrives in parts is complete for a slow client", async () => {
  const body = "x".repeat(3_000_000);
  const { port } = await serve((_, response) => void response.end(body));
  expect((await sendRaw(port, requestHead("/api/x"))).endsWith(body)).toBe(true);
});

test("the backend waits for a client that does not read", async () => {
  const TOTAL = 64_000_000;
  let written = 0;
  const { url } = await serve(async (request, response) => {
    if (request.url === "/api/x") return void response.end();
    for (; written < TOTAL && !response.destroyed; written += 100_000) {
      if (!response.write("x".repeat(100_000))) await once(response, "drain");
    }
    response.end();
  });
  const response = await send(`${url}/api/tasks/export`);
  for (let before = -1; before !== written; ) {
    before = written;
    for (let round = 0; round < 10; round++) await status(url);
  }
  expect(written).toBeLessThan(TOTAL);
  let received = 0;
  for await (const chunk of response) received += chunk.length;
  expect(received).toBe(TOTAL);
});

test("there is a limit of requests at a time, and then a 503 with Retry-After", async () => {
  const pool = new BackendPool(new URL("http://127.0.0.1:1"));
  const connections: Connection[] = [];
  for (let connection = pool.acquire("any"); connection; connection = pool.acquire("any")) connections.push(connection);
  expect(connections).toHaveLength(5_000);
  pool.release(connections[0] as Connection, false);
  expect(pool.acquire("recent")).toBeDefined();

  const { url } = await serve();
  vi.spyOn(BackendPool.prototype, "acquire").mockReturnValue(undefined);
  const response = await send(`${url}/api/x`, { method: "POST" }, "{}");
  expect(response).toMatchObject({ statusCode: 503 });
  expect(response.headers["retry-after"]).toBe("2");
  expect(await json(response)).toMatchObject({ code: "overloaded" });
});
