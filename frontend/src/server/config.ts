import { z } from "zod";

const LEVELS = ["off", "error", "warn", "info", "debug", "trace"] as const;

/** The bare level of a filter in the backend's notation (`info,sqlx=debug`): both read the same variable. */
function levelOf(filter: string): string {
  const bare = filter.split(",").find((directive) => !directive.includes("="));
  return (bare ?? "info").trim().toLowerCase();
}

const number = (fallback: number, max: number, rule: string) =>
  z
    .string()
    .refine((text) => /^\d+$/.test(text) && Number(text) <= max, rule)
    .transform(Number)
    .default(fallback);

const port = (fallback: number) => number(fallback, 65535, "must be a port number (0 picks a free one)");
const seconds = (fallback: number) => number(fallback, 3600, "must be a number of seconds from 0 to 3600");

/** An address without path, so that nothing is ever put in front of the path a client asks for. */
function isOrigin(text: string): boolean {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  return url !== undefined && /^https?:$/.test(url.protocol) && url.href === `${url.origin}/`;
}

const backendUrl = z
  .string("is not set; give the backend's address, such as http://todo-backend:8000")
  .refine(isOrigin, "must be an http:// or https:// address without user, path or query");

const schema = z.object({
  BACKEND_URL: backendUrl,
  HOST: z.string().default("0.0.0.0"),
  PORT: port(3000),
  METRICS_PORT: port(9091),
  LOG_LEVEL: z
    .string()
    .transform(levelOf)
    .pipe(z.enum(LEVELS, `must be one of ${LEVELS.join(", ")}`))
    .default("info"),
  /** Revision of the source; not built in, so that equal sources give equal builds. */
  REVISION: z.string().default("unknown"),
  /** How long to go on serving after SIGTERM while load balancers take notice. */
  SHUTDOWN_DRAIN_SECONDS: seconds(5),
  /** How long open requests may take after that. */
  SHUTDOWN_TIMEOUT_SECONDS: seconds(15),
});

export type Config = z.infer<typeof schema>;

/** Throws an error that names every wrong variable and shows no value. */
export function readConfig(environment: NodeJS.ProcessEnv): Config {
  const result = schema.safeParse(withoutEmpty(environment));
  if (result.success) return result.data;
  const problems = result.error.issues.map(({ path, message }) => `${path.join(".")} ${message}`);
  throw new Error(`invalid configuration: ${problems.join("; ")}`);
}

/** Read for every request, not at the start: undefined when the variable is missing or wrong. */
export function currentBackend(): URL | undefined {
  const url = backendUrl.safeParse(process.env.BACKEND_URL);
  return url.success ? new URL(url.data) : undefined;
}

/** An empty variable counts as unset: that is what an empty ConfigMap key gives. */
function withoutEmpty(environment: NodeJS.ProcessEnv) {
  return Object.fromEntries(Object.entries(environment).filter(([, value]) => value !== ""));
}
