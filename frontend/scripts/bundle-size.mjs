// Fails when the first visit to /tasks loads more JavaScript than the budget allows. The build has compressed it.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { get } from "node:http";
import { createInterface } from "node:readline";

const PAGE = "/tasks";
const MAX_KB = 180;

const server = spawn(process.execPath, [".next/standalone/server.js"], {
  env: { ...process.env, BACKEND_URL: "http://127.0.0.1:1", HOST: "127.0.0.1", PORT: "0", METRICS_PORT: "0" },
  stdio: ["ignore", "pipe", "inherit"],
});

async function waitForAddress() {
  for await (const line of createInterface({ input: server.stdout })) {
    const { message, address } = JSON.parse(line);
    if (message === "listening") return `http://${address}`;
  }
  throw new Error("the server ended before it was listening; run npm run build first");
}

async function download(url, encoding) {
  const [response] = await once(
    get(url, { headers: { "accept-encoding": encoding, cookie: "todo_session=unchecked" } }),
    "response",
  );
  if (response.statusCode !== 200) throw new Error(`${url} answered ${response.statusCode}`);
  return Buffer.concat(await response.toArray());
}

try {
  const origin = await waitForAddress();
  const html = (await download(origin + PAGE, "identity")).toString();
  // Modern browsers do not load the polyfills.
  const needed = html.replace(/<script[^>]*noModule[^>]*>/g, "");
  const chunks = [...new Set(needed.match(/static\/chunks\/[\w./~-]+\.js/g))];
  if (chunks.length === 0) throw new Error(`${PAGE} loads no JavaScript: the check no longer finds the scripts`);
  const sizes = await Promise.all(
    chunks.map(async (chunk) => (await download(`${origin}/_next/${chunk}`, "gzip")).length),
  );
  const total = sizes.reduce((sum, size) => sum + size, 0) / 1000;
  console.log(`${PAGE} loads ${total.toFixed(1)} kB of JavaScript (gzip, ${chunks.length} files); budget ${MAX_KB} kB`);
  if (total > MAX_KB) {
    for (const [index, chunk] of chunks.entries()) console.error(`  ${(sizes[index] / 1000).toFixed(1)} kB  ${chunk}`);
    process.exitCode = 1;
  }
} finally {
  server.kill();
}
