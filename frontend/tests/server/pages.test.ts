import { spawnSync } from "node:child_process";
import { cpSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Frontend, startFrontend } from "../support/frontend";
import { requestHead, sendRaw } from "../support/raw-request";

let frontend: Frontend;

beforeAll(async () => {
  frontend = await startFrontend("http://127.0.0.1:1");
});

afterAll(() => frontend.stop());

const nonceOf = (response: Response) =>
  /'nonce-(\w+)'/.exec(response.headers.get("content-security-policy") ?? "")?.[1];

test.each(["/", "/no-such-page"])("%s has a new nonce on each script, and no inline handler", async (path) => {
  const [first, second] = [await fetch(frontend.url + path), await fetch(frontend.url + path)];
  expect(nonceOf(first)).toMatch(/^\w{32}$/);
  expect(nonceOf(first)).not.toBe(nonceOf(second));
  const html = await first.text();
  const scripts = html.match(/<script[^>]*>/g) ?? [];
  expect(scripts.length).toBeGreaterThan(0);
  for (const script of scripts) expect(script).toContain(`nonce="${nonceOf(first)}"`);
  expect(html).not.toMatch(/<[^>]+\son\w+=/);
});

test("a client cannot choose the nonce", async () => {
  const headers = { "content-security-policy": "script-src 'nonce-evil'", "x-nonce": "evil" };
  const response = await fetch(frontend.url, { headers });
  expect(await response.text()).not.toContain('nonce="evil"');
});

test("pages have the security headers, and none that names the framework", async () => {
  const { headers } = await fetch(frontend.url);
  expect(Object.fromEntries(headers)).toMatchObject({
    "x-content-type-options": "nosniff",
    "referrer-policy": "strict-origin-when-cross-origin",
    "cross-origin-opener-policy": "same-origin",
    "permissions-policy": expect.stringContaining("camera=()"),
    "x-request-id": expect.any(String),
  });
  expect(headers.has("x-powered-by")).toBe(false);
  expect(headers.has("strict-transport-security")).toBe(false);
});

test("scripts and styles of the page are served with an immutable cache", async () => {
  const html = await (await fetch(frontend.url)).text();
  const assets = [...new Set(html.match(/\/_next\/static\/[\w./~-]+\.(js|css)/g))];
  expect(assets.some((asset) => asset.endsWith(".css"))).toBe(true);
  for (const asset of assets) {
    const response = await fetch(frontend.url + asset);
    expect(response.status, asset).toBe(200);
    expect(response.headers.get("cache-control")).toContain("immutable");
    await response.arrayBuffer();
  }
});

test("the page loads nothing from another origin", async () => {
  const html = await (await fetch(frontend.url)).text();
  expect(html).not.toMatch(/(src|href)="(https?:)?\/\//);
});

test.each(["//evil.example", "/\\evil.example", "//evil.example/..", "/tasks/"])(
  "%s does not redirect to another site",
  async (target) => {
    const response = await sendRaw(frontend.port, requestHead(target, "X-Forwarded-Host: evil.example"));
    const location = /^location: (.*)$/im.exec(response)?.[1] ?? "/";
    expect(location).toMatch(/^\/(?![/\\])/);
  },
);

test("the build contains nothing from the environment", () => {
  const patterns = ["-e", "localhost:8000", "-e", "NEXT_PUBLIC_API"];
  const { stdout } = spawnSync("grep", ["-rl", ...patterns, "server.js", ".next"], {
    cwd: ".next/standalone",
    encoding: "utf8",
  });
  expect(stdout).toBe("");
});

test("the output runs in another directory, without the source", async () => {
  const directory = mkdtempSync(join(tmpdir(), "todo-frontend-"));
  try {
    cpSync(".next/standalone", directory, { recursive: true });
    const moved = await startFrontend("http://127.0.0.1:1", {}, directory);
    expect((await fetch(moved.url)).status).toBe(200);
    await moved.stop();
  } finally {
    rmSync(directory, { recursive: true });
  }
});
