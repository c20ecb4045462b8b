import { once } from "node:events";
import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import type { Config } from "./config";
import { log } from "./log";

/** Resolves with the address, such as `0.0.0.0:3000`, once the server accepts connections. */
export async function listen(server: Server, host: string, port: number): Promise<string> {
  server.listen(port, host);
  await once(server, "listening");
  const { address, family, port: actual } = server.address() as AddressInfo;
  return family === "IPv6" ? `[${address}]:${actual}` : `${address}:${actual}`;
}

/** Resolves with the first signal to stop. To be called early, so that no signal is missed. */
export async function stopSignal(): Promise<string> {
  return await Promise.race(["SIGTERM", "SIGINT"].map((name) => once(process, name).then(() => name)));
}

/** Drains, ends event streams, and finishes open requests. */
export async function stop(server: Server, signal: string, closing: AbortController, config: Config) {
  log.info({ signal }, "stopping");
  server.prependListener("request", (_, response) => response.setHeader("connection", "close"));
  // Only an orchestrator sends SIGTERM while others still send requests here; Ctrl-C need not wait.
  if (signal === "SIGTERM") await sleep(config.SHUTDOWN_DRAIN_SECONDS * 1000);
  closing.abort();
  const closed = once(server, "close");
  server.close();
  // Requests that were under way at the signal leave their connections open behind them.
  const sweep = setInterval(() => server.closeIdleConnections(), 50);
  const late = sleep(config.SHUTDOWN_TIMEOUT_SECONDS * 1000, undefined, { ref: false }).then(() => {
    log.warn("open requests were cut off after SHUTDOWN_TIMEOUT_SECONDS");
    server.closeAllConnections();
  });
  await Promise.race([closed, late]);
  clearInterval(sweep);
  log.info("stopped");
}
