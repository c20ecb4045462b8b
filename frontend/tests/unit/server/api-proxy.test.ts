import { once } from "node:events";
import { createServer, type IncomingMessage, type RequestListener, request } from "node:http";
import { gzipSync } from "node:zlib";
import { afterEach, expect, test, vi } from "vitest";
import { requestListener } from "@/server/listener";
import { setLevel } from "@/server/log";
import { routeMatcher } from "@/server/routes";
import { echo, start, type TestServer } from "../../support/backend";
import { head, raw } from "../../support/raw";
import { until } from "../../support/until";

setLevel("off");
const started: TestServer[] = [];
let closing = new AbortController();

/** The frontend's listener in front of this backend. */
async function serve(backend: RequestListener = echo) {
  const upstream = await start(backend);
  vi.stubEnv("BACKEND_URL", upstream.url);
  const pages = async (_: unknown, response: { end(text: string): void }) => response.end("page");
  closing = new AbortController();
  const frontend = await start(
    createServer(requestListener({ pages, routeOf: routeMatcher([]), closing: closing.signal })),
  );
  started.push(upstream, frontend);
  return { upstream, ...frontend };
}

afterEach(async () => {
  vi.unstubAllEnvs();
  await Promise.all(started.splice(0).map((server) => server.close()));
});

/** fetch decompresses and hides headers; this does not. */
async function ask(url: string, options: object = {}, body?: string): Promise<IncomingMessage> {
  const sent = request(url, options);
  if (body !== undefined) sent.setHeader("content-length", Buffer.byteLength(body));
  sent.end(body);
  const [response] = await once(sent, "response");
  return response;
}

const json = async (response: IncomingMessage) => JSON.parse(Buffer.concat(await response.toArray()).toString());

test.each(["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"])(
  "%s reaches the backend with path, query and body",
  async (method) => {
    const { url } = await serve();
    const target = "/api/tasks/a%20b?q=%2F..%2F&sort=-created";
    const headers = method === "GET" ? {} : { "content-type": "application/json" };
    const seen = await json(
      await ask(url + target, { method, headers }, method === "GET" ? undefined : '{"title":"é"}'),
    );
    expect(seen).toMatchObject({ method, url: target, headers, body: method === "GET" ? "" : '{"title":"é"}' });
  },
);

test("HEAD gets the headers of the answer and no body", async () => {
  const { url } = await serve((_, response) =>
    response.setHeader("content-length", "123").setHeader("etag", '"7"').end(),
  );
  const response = await ask(`${url}/api/tasks`, { method: "HEAD" });
  expect(response.headers).toMatchObject({ "content-length": "123", etag: '"7"' });
  expect(await response.toArray()).toEqual([]);
});

test("status, several cookies and redirects come back as they are", async () => {
  const { url } = await serve((_, response) => {
    response
      .setHeader("set-cookie", ["a=1; HttpOnly", "b=2; SameSite=Lax"])
      .setHeader("location", "http://elsewhere.example/x");
    response.writeHead(303, "Look There").end();
  });
  const response = await ask(`${url}/api/auth/sign-in`, { method: "POST" });
  expect(response).toMatchObject({ statusCode: 303, statusMessage: "Look There" });
  expect(response.headers["set-cookie"]).toEqual(["a=1; HttpOnly", "b=2; SameSite=Lax"]);
  expect(response.headers.location).toBe("http://elsewhere.example/x");
});

test("a compressed answer is passed on byte for byte", async () => {
  const body = gzipSync("x".repeat(10_000));
  const { url } = await serve((_, response) =>
    response.setHeader("content-encoding", "gzip").setHeader("content-length", body.length).end(body),
  );
  const response = await ask(`${url}/api/tasks/export`, { headers: { "accept-encoding": "gzip" } });
  expect(response.headers).toMatchObject({ "content-encoding": "gzip", "content-length": String(body.length) });
  expect(Buffer.concat(await response.toArray())).toEqual(body);
});

test("hop-by-hop headers end here, both ways", async () => {
  const { url, port } = await serve((request, response) => {
    response
      .setHeader("connection", "close, x-secret-hop")
      .setHeader("x-secret-hop", "1")
      .setHeader("proxy-authenticate", "Basic");
    response.setHeader("keep-alive", "timeout=9").setHeader("x-kept", "yes");
    echo(request, response);
  });
  const answer = await raw(
    port,
    head(
      "/api/x",
      "Connection: x-drop-me",
      "X-Drop-Me: 1",
      "TE: trailers",
      "Upgrade: h2c",
      "Proxy-Authorization: Basic eA==",
      "Cookie: a=1",
    ),
  );
  const seen = JSON.parse(answer.slice(answer.indexOf("{"), answer.lastIndexOf("}") + 1)).headers;
  for (const name of ["x-drop-me", "te", "upgrade", "proxy-authorization"]) expect(seen).not.toHaveProperty(name);
  expect(seen).toMatchObject({ cookie: "a=1", connection: "close" });

  const { headers } = await ask(`${url}/api/x`);
  expect(headers).toMatchObject({ "x-kept": "yes" });
  for (const name of ["x-secret-hop", "proxy-authenticate"]) expect(headers).not.toHaveProperty(name);
  expect(headers["keep-alive"]).not.toBe("timeout=9");
});

test("the backend learns the real address and host, whatever the client claims", async () => {
  const { url, upstream } = await serve();
  const claims = {
    host: "todo.local",
    "x-forwarded-for": "6.6.6.6",
    "x-forwarded-host": "evil.example",
    forwarded: "for=6.6.6.6",
    "x-real-ip": "6.6.6.6",
  };
  const { headers } = await json(await ask(`${url}/api/x`, { headers: claims }));
  expect(headers).toMatchObject({
    host: `127.0.0.1:${upstream.port}`,
    "x-forwarded-host": "todo.local",
    "x-forwarded-for": "6.6.6.6, 127.0.0.1",
    "x-forwarded-proto": "http",
  });
  expect(headers).not.toHaveProperty("forwarded");
  expect(headers).not.toHaveProperty("x-real-ip");
});

test("a client cannot remove the headers set here by naming them in Connection", async () => {
  const { port } = await serve();
  const answer = await raw(port, head("/api/x", "Connection: x-forwarded-for, x-forwarded-host, x-request-id, host"));
  const seen = JSON.parse(answer.slice(answer.indexOf("{"), answer.lastIndexOf("}") + 1)).headers;
  expect(seen).toMatchObject({ "x-forwarded-for": "127.0.0.1", "x-forwarded-host": "todo.local" });
  expect(seen["x-request-id"]).toMatch(/^[0-9a-f-]{36}$/);
});

test("a request id is kept when sane, else made, and returned", async () => {
  const { url } = await serve();
  const kept = await ask(`${url}/api/x`, { headers: { "x-request-id": "abc-1" } });
  expect(kept.headers["x-request-id"]).toBe("abc-1");
  expect((await json(kept)).headers["x-request-id"]).toBe("abc-1");
  const made = await ask(`${url}/api/x`, { headers: { "x-request-id": "a b" } });
  expect(made.headers["x-request-id"]).toMatch(/^[0-9a-f-]{36}$/);
});

test("a chunked body stays one request, also with a method that seldom has a body", async () => {
  const { port } = await serve();
  const smuggled = "GET /api/admin HTTP/1.1\r\n\r\n";
  const answer = await raw(
    port,
    `DELETE /api/x HTTP/1.1\r\nHost: h\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n${smuggled.length.toString(16)}\r\n${smuggled}\r\n0\r\n\r\n`,
  );
  const seen = JSON.parse(answer.slice(answer.indexOf("{"), answer.lastIndexOf("}") + 1));
  expect(seen).toMatchObject({ method: "DELETE", url: "/api/x", body: smuggled });
});

test("events arrive one by one, and leaving ends the stream at the backend", async () => {
  let send = (_: string) => {};
  let left = false;
  const { url } = await serve((_, response) => {
    response.writeHead(200, { "content-type": "text/event-stream" }).flushHeaders();
    send = (text) => response.write(text);
    response.on("close", () => {
      left = true;
    });
  });
  const response = await ask(`${url}/api/events`, { headers: { "accept-encoding": "gzip" } });
  for (const event of ["data: 1\n\n", "data: 2\n\n"]) {
    send(event);
    const [chunk] = await once(response, "data");
    expect(String(chunk)).toBe(event);
  }
  response.destroy();
  await until("the backend to see the client leave", () => left);
});

test("closing ends an open event stream properly and leaves other answers alone", async () => {
  let finish = () => {};
  const { url } = await serve((request, response) => {
    const events = request.url === "/api/events";
    response.writeHead(200, { "content-type": events ? "text/event-stream" : "text/csv" });
    response.write("first");
    if (!events) finish = () => response.end(" last");
  });
  const [events, file] = await Promise.all([ask(`${url}/api/events`), ask(`${url}/api/tasks/export`)]);
  closing.abort();
  expect(Buffer.concat(await events.toArray()).toString()).toBe("first");
  expect(events.complete).toBe(true);
  finish();
  expect(Buffer.concat(await file.toArray()).toString()).toBe("first last");
});

test("an upload is streamed, and giving it up reaches the backend", async () => {
  const chunks: string[] = [];
  let aborted = false;
  const { url } = await serve((request) => {
    request.on("data", (chunk) => chunks.push(String(chunk)));
    request.on("aborted", () => {
      aborted = true;
    });
  });
  const upload = request(`${url}/api/tasks/import`, { method: "POST" });
  upload.on("error", () => {});
  upload.write("one");
  await until("the first part at the backend", () => chunks.join("") === "one");
  upload.write("two");
  await until("the second part at the backend", () => chunks.join("") === "onetwo");
  upload.destroy();
  await until("the backend to see the upload end", () => aborted);
});

test.each(["at once", "after a part"])(
  "an upload refused %s gets to see the answer, and the connection stays usable",
  async (when) => {
    const { port } = await serve((request, response) => {
      const refuse = () => {
        response.writeHead(413, { connection: "close" }).end("too large");
        setImmediate(() => request.socket.destroy());
      };
      if (when === "at once") refuse();
      else request.once("data", refuse);
    });
    const body = "x".repeat(4_000_000);
    const upload = `POST /api/tasks/import HTTP/1.1\r\nHost: h\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
    for (let round = 0; round < 10; round++) {
      const answer = await raw(port, upload + head("/api/health"));
      expect(answer).toMatch(/^HTTP\/1.1 413/);
      expect(answer).toContain('{"status":"ok"}');
    }
  },
);

test("an answer the backend breaks off is broken off here too", async () => {
  const { url } = await serve((_, response) => {
    response.writeHead(200);
    response.write("half", () => response.destroy());
  });
  await expect((await ask(`${url}/api/x`)).toArray()).rejects.toThrow("aborted");
});

test("without a backend: a problem with a request id and Retry-After; then back again without a restart", async () => {
  const { url, upstream } = await serve();
  await upstream.close();
  const away = await ask(`${url}/api/tasks`, { method: "POST" }, "{}");
  expect(away).toMatchObject({ statusCode: 502 });
  expect(away.headers).toMatchObject({ "content-type": "application/problem+json", "retry-after": "2" });
  expect(await json(away)).toEqual({
    type: "about:blank",
    title: "Bad Gateway",
    status: 502,
    code: "backend_unavailable",
    detail: expect.stringContaining("try again"),
    request_id: away.headers["x-request-id"],
  });
  started.push(await start(echo, upstream.port));
  expect((await ask(`${url}/api/tasks`)).statusCode).toBe(200);
});

test("a backend that hangs up without an answer is a 502", async () => {
  const { url } = await serve((request) => request.socket.destroy());
  expect((await ask(`${url}/api/x`)).statusCode).toBe(502);
});

test("BACKEND_URL is read for every request", async () => {
  const { url } = await serve((_, response) => response.end("first"));
  const second = await start((_, response) => response.end("second"));
  started.push(second);
  vi.stubEnv("BACKEND_URL", second.url);
  expect(String(await (await ask(`${url}/api/x`)).toArray())).toBe("second");
  vi.stubEnv("BACKEND_URL", "nonsense");
  expect((await ask(`${url}/api/x`)).statusCode).toBe(502);
});

test.each([
  "/api/../x",
  "/api/..",
  "/api/tasks/../../x",
  "/api/%2e%2e/x",
  "/api/%2E./x",
  "/api/.%2e",
  "/api/./x",
  "/api/..%2fx",
  "/api/..%5cx",
  "/api/..\\x",
  "/api/..;/x",
  "/api/x%00",
  "/api/x%0d%0aHost:%20evil",
  "/api/%zz",
  "/api/x#y",
  "http://evil.example/api/x",
  "*",
])("%s is refused before it reaches the backend", async (target) => {
  const backend = vi.fn(echo);
  const { port } = await serve(backend);
  expect(await raw(port, head(target))).toMatch(/^HTTP\/1.1 400 /);
  expect(backend).not.toHaveBeenCalled();
});

test.each([
  "//evil.example/api/x",
  "/",
  "/api",
  "/apix",
  "/API/x",
  "/%61pi/x",
  "/x/../api/x",
  "/.//api/x",
  "/api@evil.example/x",
])("%s is not for the backend", async (target) => {
  const backend = vi.fn(echo);
  const { port } = await serve(backend);
  expect(await raw(port, head(target))).toContain("page");
  expect(backend).not.toHaveBeenCalled();
});

test.each([
  "/api/@evil.example/x",
  "/api//evil.example",
  "/api/x?u=http://evil.example/../..",
  "/api/%252e%252e/x",
  "/api/.../x",
])("%s stays at the backend, as it is", async (target) => {
  const { port } = await serve();
  expect(await raw(port, head(target, "X-Forwarded-Host: evil.example"))).toContain(`"url":"${target}"`);
});

test("the health answer is the frontend's own", async () => {
  const backend = vi.fn(echo);
  const { url } = await serve(backend);
  expect(await json(await ask(`${url}/api/health`))).toEqual({ status: "ok" });
  expect(backend).not.toHaveBeenCalled();
});
