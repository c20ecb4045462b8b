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

/** Resolves with the first signal to shut down. Call this early, so that no signal is missed. */
export async function shutdownSignal(): Promise<string> {
  return await Promise.race(["SIGTERM", "SIGINT"].map((name) => once(process, name).then(() => name)));
}

/** Waits until load balancers have noticed, ends event streams, and finishes open requests. */
export async function shutDown(server: Server, signal: string, closing: AbortController, config: Config) {
  log.info({ signal }, "stopping");
  server.prependListener("request", (_, response) => response.setHeader("connection", "close"));
  // An orchestrator sends SIGTERM while requests still arrive. After Ctrl-C, there is no reason to wait.
  if (signal === "SIGTERM") await sleep(config.SHUTDOWN_DRAIN_SECONDS * 1000);
  closing.abort();
  const closed = once(server, "close");
  server.close();
  // The connections of requests that were open at the signal stay open after the responses.
  const idleTimer = setInterval(() => server.closeIdleConnections(), 50);
  const timeout = sleep(config.SHUTDOWN_TIMEOUT_SECONDS * 1000, undefined, { ref: false }).then(() => {
    log.warn("open requests were cut off after SHUTDOWN_TIMEOUT_SECONDS");
    server.closeAllConnections();
  });
  await Promise.race([closed, timeout]);
  clearInterval(idleTimer);
  log.info("stopped");
}
