import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { until } from "./until";

export interface Line {
  level: string;
  message: string;
  address?: string;
  metrics_address?: string;
  [field: string]: unknown;
}

/** The built server as its own process, on free ports. */
export interface Frontend {
  url: string;
  port: number;
  metricsUrl: string;
  process: ChildProcess;
  /** All it has written to standard output and error so far. */
  output(): string;
  /** That output as log lines; fails when one is not a JSON object. */
  lines(): Line[];
  /** Resolves with the exit code. */
  stop(signal?: NodeJS.Signals): Promise<number | null>;
}

/** Starts the server without waiting for it to listen. */
export function launch(environment: Record<string, string> = {}, directory = ".next/standalone") {
  const child = spawn(process.execPath, [`${directory}/server.js`], {
    env: {
      NODE_ENV: "production",
      HOST: "127.0.0.1",
      PORT: "0",
      METRICS_PORT: "0",
      SHUTDOWN_DRAIN_SECONDS: "0",
      ...environment,
    },
  });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8").on("data", (text: string) => {
      output += text;
    });
  }
  const ended = once(child, "close").then(([code]) => code as number | null);
  const lines = () =>
    output
      .slice(0, output.lastIndexOf("\n") + 1)
      .split("\n")
      .filter(Boolean)
      .map((line) => JSON.parse(line) as Line);
  return { child, ended, lines, output: () => output };
}

export async function startFrontend(
  backendUrl: string,
  environment: Record<string, string> = {},
  directory?: string,
): Promise<Frontend> {
  const { child, ended, lines, output } = launch({ BACKEND_URL: backendUrl, ...environment }, directory);
  const listening = () => lines().find((line) => line.message === "listening");
  await until(
    "the frontend to listen",
    () => {
      if (child.exitCode !== null) throw new Error(`the frontend ended: ${output()}`);
      return listening() !== undefined;
    },
    10_000,
  );
  const { address = "", metrics_address = "" } = listening() ?? {};
  return {
    url: `http://${address}`,
    port: Number(address.split(":")[1]),
    metricsUrl: `http://${metrics_address}/metrics`,
    process: child,
    output,
    lines,
    stop(signal = "SIGTERM") {
      child.kill(signal);
      return ended;
    },
  };
}
