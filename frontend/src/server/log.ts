import { format, stripVTControlCharacters } from "node:util";
import { destination, pino } from "pino";

// Writes at once when it is flushed. Asynchronous writes could lose or reorder the last lines before an exit.
const output = destination({ fd: 1, sync: true, minLength: 8 * 1024 });
let flushIsDue = false;
process.on("exit", () => output.flushSync());

/** Writes the lines of a short time together, since each write costs as much as a small response. */
function write(line: string) {
  output.write(line);
  if (flushIsDue) return;
  flushIsDue = true;
  setTimeout(() => {
    flushIsDue = false;
    output.flushSync();
  }, 10);
}

/** Writes JSON lines to standard output, with the field names of the backend. */
export const log = pino(
  {
    base: undefined,
    messageKey: "message",
    errorKey: "error",
    timestamp: () => `,"timestamp":"${new Date().toISOString()}"`,
    formatters: { level: (label) => ({ level: label.toUpperCase() }) },
  },
  { write },
);

export function setLevel(level: string) {
  log.level = level === "off" ? "silent" : level;
}

/** Logs what Next.js, React and Node.js write to the console. */
export function captureConsole() {
  const capture =
    (level: "debug" | "info" | "warn" | "error") =>
    (...values: unknown[]) => {
      const error = values.find((value) => value instanceof Error);
      const message = stripVTControlCharacters(error ? error.message : format(...values)).trim();
      if (message) log[level](error ? { error } : {}, message);
    };
  console.debug = capture("debug");
  console.log = capture("info");
  console.info = capture("info");
  console.warn = capture("warn");
  console.error = capture("error");

  process.removeAllListeners("warning");
  process.on("warning", (warning) => log.warn({ error: warning }, warning.message));
  process.on("unhandledRejection", (reason) => log.error({ error: reason }, "unhandled rejection"));
  process.on("uncaughtException", (error) => {
    log.error({ error }, "uncaught exception");
    process.exit(1);
  });
}
