import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { waitFor } from "./wait-for";

export interface LogLine {
  level: string;
  message: string;
  address?: string;
  metrics_address?: string;
  [field: string]: unknown;
}

/** The built server as a separate process on free ports. */
export interface Frontend {
  url: string;
  port: number;
  metricsUrl: string;
  process: ChildProcess;
  /** What the process has written to standard output and standard error so far. */
  output(): string;
  /** The output as log lines. Fails when a line is not a JSON object. */
  lines(): LogLine[];
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
  const exitCode = once(child, "close").then(([code]) => code as number | null);
  const lines = () =>
    output
      .slice(0, output.lastIndexOf("\n") + 1)
      .split("\n")
      .filter(Boolean)
      .map((line) => JSON.parse(line) as LogLine);
  return { child, exitCode, lines, output: () => output };
}

export async function startFrontend(
  backendUrl: string,
  environment: Record<string, string> = {},
  directory?: string,
): Promise<Frontend> {
  const { child, exitCode, lines, output } = launch({ BACKEND_URL: backendUrl, ...environment }, directory);
  const listening = () => lines().find((line) => line.message === "listening");
  await waitFor(
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
      return exitCode;
    },
  };
}
