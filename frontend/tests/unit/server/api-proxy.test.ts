import { once } from "node:events";
import { request } from "node:http";
import { gzipSync } from "node:zlib";
import { expect, test, vi } from "vitest";
import { echo } from "../../support/backend";
import { json, send, serve, start } from "../../support/proxy";
import { requestHead, sendRaw } from "../../support/raw-request";
import { waitFor } from "../../support/wait-for";

test.each(["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"])(
  "%s reaches the backend with path, query and body",
  async (method) => {
    const { url } = await serve();
    const target = "/api/tasks/a%20b?q=%2F..%2F&sort=-created";
    const headers = method === "GET" ? {} : { "content-type": "application/json" };
    const received = await json(
      await send(url + target, { method, headers }, method === "GET" ? undefined : '{"title":"é"}'),
    );
    expect(received).toMatchObject({ method, url: target, headers, body: method === "GET" ? "" : '{"title":"é"}' });
  },
);

test("HEAD returns the headers and no body", async () => {
  const { url } = await serve((_, response) =>
    response.setHeader("content-length", "123").setHeader("etag", '"7"').end(),
  );
  const response = await send(`${url}/api/tasks`, { method: "HEAD" });
  expect(response.headers).toMatchObject({ "content-length": "123", etag: '"7"' });
  expect(await response.toArray()).toEqual([]);
});

test("status, repeated cookies and redirects are returned unchanged", async () => {
  const { url } = await serve((_, response) => {
    response
      .setHeader("set-cookie", ["a=1; HttpOnly", "b=2; SameSite=Lax"])
      .setHeader("location", "http://elsewhere.example/x");
    response.writeHead(303, "Elsewhere").end();
  });
  const response = await send(`${url}/api/auth/sign-in`, { method: "POST" });
  expect(response).toMatchObject({ statusCode: 303, statusMessage: "Elsewhere" });
  expect(response.headers["set-cookie"]).toEqual(["a=1; HttpOnly", "b=2; SameSite=Lax"]);
  expect(response.headers.location).toBe("http://elsewhere.example/x");
});

test("the backend chooses the encoding, and its response is returned unchanged", async () => {
  const body = gzipSync("x".repeat(10_000));
  const { url } = await serve((request, response) =>
    response
      .setHeader("content-encoding", "gzip")
      .setHeader("content-length", body.length)
      .setHeader("vary", "accept-encoding")
      .setHeader("x-accepted", request.headers["accept-encoding"] ?? "")
      .end(body),
  );
  const accepted = "gzip;q=0.5, br, zstd";
  const response = await send(`${url}/api/tasks/export`, { headers: { "accept-encoding": accepted } });
  expect(response.headers).toMatchObject({
    "content-encoding": "gzip",
    "content-length": String(body.length),
    vary: "accept-encoding",
    "x-accepted": accepted,
  });
  expect(Buffer.concat(await response.toArray())).toEqual(body);
  expect((await send(`${url}/api/tasks/export`)).headers["x-accepted"]).toBe("");
});

test("hop-by-hop headers are removed in both directions", async () => {
  const { url, port } = await serve((request, response) => {
    response
      .setHeader("connection", "close, x-secret-hop")
      .setHeader("x-secret-hop", "1")
      .setHeader("proxy-authenticate", "Basic");
    response.setHeader("keep-alive", "timeout=9").setHeader("x-kept", "yes");
    echo(request, response);
  });
  const response = await sendRaw(
    port,
    requestHead(
      "/api/x",
      "Connection: x-drop-me",
      "X-Drop-Me: 1",
      "TE: trailers",
      "Upgrade: h2c",
      "Proxy-Authorization: Basic eA==",
      "Cookie: a=1",
    ),
  );
  const received = JSON.parse(response.slice(response.indexOf("{"), response.lastIndexOf("}") + 1)).headers;
  for (const name of ["x-drop-me", "te", "upgrade", "proxy-authorization"]) expect(received).not.toHaveProperty(name);
  expect(received).toMatchObject({ cookie: "a=1", connection: "keep-alive" });

  const { headers } = await send(`${url}/api/x`);
  expect(headers).toMatchObject({ "x-kept": "yes" });
  for (const name of ["x-secret-hop", "proxy-authenticate"]) expect(headers).not.toHaveProperty(name);
  expect(headers["keep-alive"]).not.toBe("timeout=9");
});

test("the backend receives the client's address and host, whatever headers the client sends", async () => {
  const { url, upstream } = await serve();
  const claims = {
    host: "todo.local",
    "x-forwarded-for": "6.6.6.6",
    "x-forwarded-host": "evil.example",
    forwarded: "for=6.6.6.6",
    "x-real-ip": "6.6.6.6",
  };
  const { headers } = await json(await send(`${url}/api/x`, { headers: claims }));
  expect(headers).toMatchObject({
    host: `127.0.0.1:${upstream.port}`,
    "x-forwarded-host": "todo.local",
    "x-forwarded-for": "6.6.6.6, 127.0.0.1",
    "x-forwarded-proto": "http",
  });
  expect(headers).not.toHaveProperty("forwarded");
  expect(headers).not.toHaveProperty("x-real-ip");
});

test("a client cannot remove headers of the proxy by naming them in Connection", async () => {
  const { port } = await serve();
  const response = await sendRaw(
    port,
    requestHead("/api/x", "Connection: x-forwarded-for, x-forwarded-host, x-request-id, host"),
  );
  const received = JSON.parse(response.slice(response.indexOf("{"), response.lastIndexOf("}") + 1)).headers;
  expect(received).toMatchObject({ "x-forwarded-for": "127.0.0.1", "x-forwarded-host": "todo.local" });
  expect(received["x-request-id"]).toMatch(/^[0-9a-f-]{36}$/);
});

test("a valid request id is kept, any other is replaced, and the id is returned", async () => {
  const { url } = await serve();
  const accepted = await send(`${url}/api/x`, { headers: { "x-request-id": "abc-1" } });
  expect(accepted.headers["x-request-id"]).toBe("abc-1");
  expect((await json(accepted)).headers["x-request-id"]).toBe("abc-1");
  const generated = await send(`${url}/api/x`, { headers: { "x-request-id": "a b" } });
  expect(generated.headers["x-request-id"]).toMatch(/^[0-9a-f-]{36}$/);
});

test("a chunked body stays one request, even with a method that rarely has a body", async () => {
  const { port } = await serve();
  const smuggled = "GET /api/admin HTTP/1.1\r\n\r\n";
  const response = await sendRaw(
    port,
    `DELETE /api/x HTTP/1.1\r\nHost: h\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n${smuggled.length.toString(16)}\r\n${smuggled}\r\n0\r\n\r\n`,
  );
  const received = JSON.parse(response.slice(response.indexOf("{"), response.lastIndexOf("}") + 1));
  expect(received).toMatchObject({ method: "DELETE", url: "/api/x", body: smuggled });
});

test("events arrive one by one, and a disconnect ends the stream at the backend", async () => {
  let sendEvent = (_: string) => {};
  let disconnected = false;
  const { url } = await serve((_, response) => {
    response.writeHead(200, { "content-type": "text/event-stream" }).flushHeaders();
    sendEvent = (text) => response.write(text);
    response.on("close", () => {
      disconnected = true;
    });
  });
  const response = await send(`${url}/api/events`, { headers: { "accept-encoding": "gzip" } });
  for (const event of ["data: 1\n\n", "data: 2\n\n"]) {
    sendEvent(event);
    const [chunk] = await once(response, "data");
    expect(String(chunk)).toBe(event);
  }
  response.destroy();
  await waitFor("the backend to notice that the client has disconnected", () => disconnected);
});

test("closing ends an event stream cleanly and does not affect other responses", async () => {
  let finish = () => {};
  const { url, closing } = await serve((request, response) => {
    const events = request.url === "/api/events";
    response.writeHead(200, { "content-type": events ? "text/event-stream" : "text/csv" });
    response.write("first");
    if (!events) finish = () => response.end(" last");
  });
  const [events, file] = await Promise.all([send(`${url}/api/events`), send(`${url}/api/tasks/export`)]);
  closing.abort();
  expect(Buffer.concat(await events.toArray()).toString()).toBe("first");
  expect(events.complete).toBe(true);
  finish();
  expect(Buffer.concat(await file.toArray()).toString()).toBe("first last");
});

test("an upload is streamed, and its abort reaches the backend", async () => {
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
  await waitFor("the first part to arrive at the backend", () => chunks.join("") === "one");
  upload.write("two");
  await waitFor("the second part to arrive at the backend", () => chunks.join("") === "onetwo");
  upload.destroy();
  await waitFor("the backend to notice the end of the upload", () => aborted);
});

test.each(["at once", "after a part"])(
  "an upload that is refused %s receives the response, and the connection stays usable",
  async (when) => {
    const { port } = await serve((request, response) => {
      const refuseUpload = () => {
        response.writeHead(413, { connection: "close" }).end("too large");
        setImmediate(() => request.socket.destroy());
      };
      if (when === "at once") refuseUpload();
      else request.once("data", refuseUpload);
    });
    const body = "x".repeat(4_000_000);
    const upload = `POST /api/tasks/import HTTP/1.1\r\nHost: h\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
    for (let round = 0; round < 10; round++) {
      const response = await sendRaw(port, upload + requestHead("/api/health"));
      expect(response).toMatch(/^HTTP\/1.1 413/);
      expect(response).toContain('{"status":"ok"}');
    }
  },
);

test("a response that the backend aborts is aborted for the client too", async () => {
  const { url } = await serve((_, response) => {
    response.writeHead(200);
    response.write("half", () => response.destroy());
  });
  await expect((await send(`${url}/api/x`)).toArray()).rejects.toThrow("aborted");
});

test("without a backend, the response is a problem with Retry-After; no restart is needed when it is back", async () => {
  const { url, upstream } = await serve();
  await upstream.close();
  const unavailable = await send(`${url}/api/tasks`, { method: "POST" }, "{}");
  expect(unavailable).toMatchObject({ statusCode: 502 });
  expect(unavailable.headers).toMatchObject({ "content-type": "application/problem+json", "retry-after": "2" });
  expect(await json(unavailable)).toEqual({
    type: "about:blank",
    title: "Bad Gateway",
    status: 502,
    code: "backend_unavailable",
    detail: expect.stringContaining("try again"),
    request_id: unavailable.headers["x-request-id"],
  });
  await start(echo, upstream.port);
  expect((await send(`${url}/api/tasks`)).statusCode).toBe(200);
});

test("a backend that closes the connection without a response is a 502", async () => {
  const { url } = await serve((request) => request.socket.destroy());
  expect((await send(`${url}/api/x`)).statusCode).toBe(502);
});

test("BACKEND_URL is read for every request", async () => {
  const { url } = await serve((_, response) => response.end("first"));
  const second = await start((_, response) => response.end("second"));
  vi.stubEnv("BACKEND_URL", second.url);
  expect(String(await (await send(`${url}/api/x`)).toArray())).toBe("second");
  vi.stubEnv("BACKEND_URL", "nonsense");
  expect((await send(`${url}/api/x`)).statusCode).toBe(502);
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
])("%s is refused and does not reach the backend", async (target) => {
  const backend = vi.fn(echo);
  const { port } = await serve(backend);
  expect(await sendRaw(port, requestHead(target))).toMatch(/^HTTP\/1.1 400 /);
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
])("%s is handled by Next.js", async (target) => {
  const backend = vi.fn(echo);
  const { port } = await serve(backend);
  expect(await sendRaw(port, requestHead(target))).toContain("page");
  expect(backend).not.toHaveBeenCalled();
});

test.each([
  "/api/@evil.example/x",
  "/api//evil.example",
  "/api/x?u=http://evil.example/../..",
  "/api/%252e%252e/x",
  "/api/.../x",
])("%s reaches the backend unchanged", async (target) => {
  const { port } = await serve();
  expect(await sendRaw(port, requestHead(target, "X-Forwarded-Host: evil.example"))).toContain(`"url":"${target}"`);
});

test("the health endpoint does not ask the backend", async () => {
  const backend = vi.fn(echo);
  const { url } = await serve(backend);
  expect(await json(await send(`${url}/api/health`))).toEqual({ status: "ok" });
  expect(backend).not.toHaveBeenCalled();
});
