/**
 * The frontend's HTTP server. Next.js renders the pages; requests to `/api/*` are streamed to the backend.
 *
 * The server that Next.js generates cannot do this. A route handler sees neither the raw path nor the client's socket,
 * and it buffers and compresses again. That server can also neither pick a free port nor log in JSON.
 */
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { join } from "node:path";
import { version } from "../../package.json";
import { readConfig } from "./config";
import { listen, shutDown, shutdownSignal } from "./lifecycle";
import { requestListener } from "./listener";
import { captureConsole, log, setLevel } from "./log";
import { metricsServer, setBuildInfo } from "./metrics";
import { builtPages, createRouteMatcher } from "./routes";
import { readStaticFiles } from "./static-files";

const dev = process.argv.includes("--dev");
const dir = dev ? process.cwd() : import.meta.dirname;

async function main() {
  if (!dev) captureConsole();
  const config = readConfig(process.env);
  setLevel(config.LOG_LEVEL);
  setBuildInfo(version, config.REVISION);

  const signal = shutdownSignal();
  const next = await loadNext();
  const app = next({ dev, dir, hostname: "localhost", port: config.PORT });
  await app.prepare();

  const closing = new AbortController();
  const matchRoute = createRouteMatcher(dev ? [] : builtPages(dir));
  const files = dev ? undefined : readStaticFiles(dir);
  const pages = app.getRequestHandler();
  const server = createServer(requestListener({ files, pages, matchRoute, closing: closing.signal }));
  // An upload may take long as long as data arrives: api-proxy.ts has a limit for the time without data.
  server.requestTimeout = 0;
  // Longer than a proxy in front keeps an idle connection (nginx: 60 s), so that the proxy closes it first.
  server.keepAliveTimeout = 75_000;

  const address = await listen(server, config.HOST, config.PORT);
  const metrics_address = await listen(metricsServer(), config.HOST, config.METRICS_PORT);
  log.info({ address, metrics_address }, "listening");
  const received = await signal;
  // Hot reload has connections that never end, so the development server does not wait for them.
  if (!dev) await shutDown(server, received, closing, config);
}

async function loadNext() {
  Object.assign(process.env, { NODE_ENV: dev ? "development" : "production", NEXT_TELEMETRY_DISABLED: "1" });
  if (!dev) {
    // A standalone output has no next.config, so its settings come from here, as in the server that Next.js generates.
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
