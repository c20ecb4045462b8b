import { once } from "node:events";
import { readdirSync, readFileSync } from "node:fs";
import { get, type IncomingMessage, request } from "node:http";
import { join } from "node:path";
import { brotliDecompressSync, gunzipSync } from "node:zlib";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Frontend, startFrontend } from "../support/frontend";
import { requestHead, sendRaw } from "../support/raw-request";

const ROOT = ".next/standalone/.next/static";
const PATHS = readdirSync(ROOT, { recursive: true, encoding: "utf8" }).filter((path) => /\.\w+$/.test(path));
const FILES = PATHS.filter((path) => !/\.(br|gz)$/.test(path));
const SCRIPT = PATHS.find((path) => path.endsWith(".js.br"))?.slice(0, -".br".length) ?? "";
const FONT = FILES.find((path) => path.endsWith(".woff2")) ?? "";

let frontend: Frontend;

beforeAll(async () => {
  frontend = await startFrontend("http://127.0.0.1:1");
});

afterAll(() => frontend.stop());

async function load(path: string, headers: Record<string, string> = {}, method = "GET") {
  const outgoing = request(`${frontend.url}/_next/static/${path}`, { method, headers }).end();
  const [response] = (await once(outgoing, "response")) as [IncomingMessage];
  return { response, body: Buffer.concat(await response.toArray()) };
}

const decode = {
  br: brotliDecompressSync,
  gzip: gunzipSync,
  identity: (body: Buffer) => body,
};

test.each(Object.entries(decode))("every file is the same as %s", async (encoding, decompress) => {
  for (const path of FILES) {
    const { response, body } = await load(path, { "accept-encoding": encoding });
    const encoded = response.headers["content-encoding"];
    const expected = encoding !== "identity" && PATHS.some((other) => other.startsWith(`${path}.`));
    expect([response.statusCode, encoded], path).toEqual([200, expected ? encoding : undefined]);
    expect(response.headers["content-length"]).toBe(String(body.length));
    expect(encoded ? decompress(body) : body).toEqual(readFileSync(join(ROOT, path)));
    expect(response.headers).toMatchObject({
      "cache-control": "public, max-age=31536000, immutable",
      "x-content-type-options": "nosniff",
      "x-request-id": expect.any(String),
    });
  }
});

test("browsers receive brotli, and caches are told that the encoding matters", async () => {
  const { response } = await load(SCRIPT, { "accept-encoding": "gzip, deflate, br, zstd" });
  expect(response.headers).toMatchObject({
    "content-encoding": "br",
    "content-type": "text/javascript; charset=utf-8",
    vary: "accept-encoding",
  });
  expect((await load(SCRIPT)).response.headers).toMatchObject({ vary: "accept-encoding" });
});

test("a font is not compressed again", async () => {
  const { response } = await load(FONT, { "accept-encoding": "br, gzip" });
  expect(response.headers["content-type"]).toBe("font/woff2");
  expect(response.headers).not.toHaveProperty("content-encoding");
  expect(response.headers).not.toHaveProperty("vary");
});

test("each form has its own tag, and a client that has it receives 304", async () => {
  const tags = new Set<string>();
  for (const encoding of ["br", "gzip", "identity"]) {
    const headers = { "accept-encoding": encoding };
    const etag = (await load(SCRIPT, headers)).response.headers.etag ?? "";
    tags.add(etag);
    for (const known of [etag, `W/${etag}`, `"other", ${etag}`, "*"]) {
      const { response, body } = await load(SCRIPT, { ...headers, "if-none-match": known });
      expect([response.statusCode, body.length, response.headers.etag]).toEqual([304, 0, etag]);
      expect(response.headers["cache-control"]).toContain("immutable");
      expect(response.headers).not.toHaveProperty("content-encoding");
    }
    expect((await load(SCRIPT, { ...headers, "if-none-match": '"other"' })).response.statusCode).toBe(200);
  }
  expect(tags.size).toBe(3);
});

test("HEAD returns the headers of GET and no body", async () => {
  const headers = { "accept-encoding": "br" };
  const [head, whole] = [await load(SCRIPT, headers, "HEAD"), await load(SCRIPT, headers)];
  expect(head.body.length).toBe(0);
  for (const name of ["content-length", "content-encoding", "content-type", "etag"]) {
    expect(head.response.headers[name]).toBe(whole.response.headers[name]);
  }
});

test("a query does not change the file", async () => {
  expect((await load(`${SCRIPT}?dpl=1`)).body).toEqual(readFileSync(join(ROOT, SCRIPT)));
});

test.each([
  "nothing.js",
  "../../server.js",
  "%2e%2e/%2e%2e/server.js",
  "..%2f..%2fserver.js",
  "chunks/../../../package.json",
  "chunks//../../BUILD_ID",
  "chunks",
  "chunks/",
  "",
])("%s is no file", async (path) => {
  const response = await sendRaw(frontend.port, requestHead(`/_next/static/${path}`));
  expect(response).toMatch(/^HTTP\/1.1 (308|400|404) /);
});

test("the page is compressed for the browser, since its nonce is new each time", async () => {
  const [response] = (await once(get(frontend.url, { headers: { "accept-encoding": "gzip" } }), "response")) as [
    IncomingMessage,
  ];
  expect(response.headers["content-encoding"]).toBe("gzip");
  expect(gunzipSync(Buffer.concat(await response.toArray())).toString()).toContain("</html>");
});
