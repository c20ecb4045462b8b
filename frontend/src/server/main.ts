/**
 * The frontend's HTTP server: Next.js for pages, `/api/*` streamed to the backend.
 *
 * Not the server that Next.js generates, because a route handler sees neither the raw path nor the client's socket,
 * buffers and recompresses, and because that server cannot pick a free port nor log in JSON.
 */
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { join } from "node:path";
import { version } from "../../package.json";
import { readConfig } from "./config";
import { listen, stop, stopSignal } from "./lifecycle";
import { requestListener } from "./listener";
import { captureConsole, log, setLevel } from "./log";
import { metricsServer, setBuildInfo } from "./metrics";
import { builtPages, routeMatcher } from "./routes";

const dev = process.argv.includes("--dev");
const dir = dev ? process.cwd() : import.meta.dirname;

async function main() {
  if (!dev) captureConsole();
  const config = readConfig(process.env);
  setLevel(config.LOG_LEVEL);
  setBuildInfo(version, config.REVISION);

  const signal = stopSignal();
  const next = await loadNext();
  const app = next({ dev, dir, hostname: "localhost", port: config.PORT });
  await app.prepare();

  const closing = new AbortController();
  const routeOf = routeMatcher(dev ? [] : builtPages(dir));
  const server = createServer(requestListener({ pages: app.getRequestHandler(), routeOf, closing: closing.signal }));
  // Long uploads are fine as long as they move: api-proxy.ts has a limit on silence.
  server.requestTimeout = 0;
  // Longer than proxies in front keep a connection (nginx: 60 s), so that they close it first.
  server.keepAliveTimeout = 75_000;

  const address = await listen(server, config.HOST, config.PORT);
  const metrics_address = await listen(metricsServer(), config.HOST, config.METRICS_PORT);
  log.info({ address, metrics_address }, "listening");
  const received = await signal;
  // Hot reload holds connections that never end.
  if (!dev) await stop(server, received, closing, config);
}

async function loadNext() {
  Object.assign(process.env, { NODE_ENV: dev ? "development" : "production", NEXT_TELEMETRY_DISABLED: "1" });
  if (!dev) {
    // What the server that Next.js generates does: a standalone output has no next.config.
    const files = JSON.parse(readFileSync(join(dir, ".next/required-server-files.json"), "utf8"));
    process.env.__NEXT_PRIVATE_STANDALONE_CONFIG = JSON.stringify(files.config);
  }
  return (await import("next")).default;
}

main().then(
  () => process.exit(0),
  (error: Error) => {
    log.error({ error: dev ? error : undefined }, error.message);
    process.exit(1);
  },
);
