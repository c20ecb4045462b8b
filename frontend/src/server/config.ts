import { z } from "zod";

const LEVELS = ["off", "error", "warn", "info", "debug", "trace"] as const;

/** The general level of a filter such as `info,sqlx=debug`: the backend reads the same variable. */
function parseLevel(filter: string): string {
  const level = filter.split(",").find((directive) => !directive.includes("="));
  return (level ?? "info").trim().toLowerCase();
}

const integer = (fallback: number, max: number, rule: string) =>
  z
    .string()
    .refine((text) => /^\d+$/.test(text) && Number(text) <= max, rule)
    .transform(Number)
    .default(fallback);

const port = (fallback: number) => integer(fallback, 65535, "must be a port number (0 picks a free one)");
const seconds = (fallback: number) => integer(fallback, 3600, "must be a number of seconds from 0 to 3600");

/** Whether a URL has no path, which would be added in front of the path that a client requests. */
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
    .transform(parseLevel)
    .pipe(z.enum(LEVELS, `must be one of ${LEVELS.join(", ")}`))
    .default("info"),
  /** The revision of the source. It is not part of the build, so that equal sources give equal builds. */
  REVISION: z.string().default("unknown"),
  /** The time to continue serving after SIGTERM, until load balancers have noticed it. */
  SHUTDOWN_DRAIN_SECONDS: seconds(5),
  /** The time that open requests have after that. */
  SHUTDOWN_TIMEOUT_SECONDS: seconds(15),
});

export type Config = z.infer<typeof schema>;

/** Throws an error that names every invalid variable and contains no value. */
export function readConfig(environment: NodeJS.ProcessEnv): Config {
  const result = schema.safeParse(withoutEmpty(environment));
  if (result.success) return result.data;
  const problems = result.error.issues.map(({ path, message }) => `${path.join(".")} ${message}`);
  throw new Error(`invalid configuration: ${problems.join("; ")}`);
}

/** Reads BACKEND_URL for every request, not once at the start. Undefined if it is missing or invalid. */
export function getBackendUrl(): URL | undefined {
  const url = backendUrl.safeParse(process.env.BACKEND_URL);
  return url.success ? new URL(url.data) : undefined;
}

/** An empty variable counts as unset, since an empty key of a ConfigMap becomes an empty variable. */
function withoutEmpty(environment: NodeJS.ProcessEnv) {
  return Object.fromEntries(Object.entries(environment).filter(([, value]) => value !== ""));
}
