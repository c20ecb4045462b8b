import { createServer, type Server } from "node:http";
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from "prom-client";

const METHODS = new Set(["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]);
const labelNames = ["method", "route", "status"] as const;

export const registry = new Registry();
collectDefaultMetrics({ register: registry });

const requests = new Counter({
  name: "http_requests_total",
  help: "Requests answered",
  labelNames,
  registers: [registry],
});
const durations = new Histogram({
  name: "http_request_duration_seconds",
  help: "Time until the answer began",
  labelNames,
  buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5],
  registers: [registry],
});
export const inFlight = new Gauge({
  name: "http_requests_in_flight",
  help: "Requests being answered",
  registers: [registry],
});

export function setBuildInfo(version: string, revision: string) {
  const build = new Gauge({
    name: "build_info",
    help: "Version and revision; always 1",
    labelNames: ["version", "revision"],
    registers: [registry],
  });
  build.set({ version, revision }, 1);
}

export function countRequest(method: string, route: string, status: number, seconds: number) {
  const methodLabel = METHODS.has(method) ? method : "other";
  const labels = { method: methodLabel, route, status: `${Math.floor(status / 100)}xx` };
  requests.inc(labels);
  durations.observe(labels, seconds);
}

/** Serves the metrics on their own port, which no Ingress exposes. */
export function metricsServer(): Server {
  return createServer(async (request, response) => {
    if (request.url?.split("?", 1)[0] !== "/metrics") {
      response.writeHead(404).end();
      return;
    }
    response.setHeader("content-type", registry.contentType);
    response.end(await registry.metrics());
  });
}
