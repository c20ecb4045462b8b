import type { FieldError, Problem } from "./types";

/** A request that failed, with the server's message, or without a response (status 0). */
export class ApiError extends Error {
  readonly status: number;
  readonly code: string;
  readonly requestId: string | undefined;
  readonly errors: FieldError[];
  /** The seconds to wait before the next attempt. */
  readonly retryAfter: number | undefined;

  constructor(problem: Pick<Problem, "status" | "code" | "detail"> & Partial<Problem>, retryAfter?: number) {
    super(problem.detail);
    this.name = "ApiError";
    this.status = problem.status;
    this.code = problem.code;
    this.requestId = problem.request_id;
    this.errors = problem.errors ?? [];
    this.retryAfter = retryAfter;
  }

  /** Whether the server could not be reached or cannot respond at the moment. */
  get unreachable() {
    return this.status === 0 || this.status >= 502;
  }
}

export function networkError() {
  const detail = navigator.onLine
    ? "The server cannot be reached. Check the connection and try again."
    : "You are offline. Try again once the connection is back.";
  return new ApiError({ status: 0, code: "network", detail });
}

export function toApiError(response: Response, body: unknown) {
  const retryAfter = Number(response.headers.get("retry-after")) || undefined;
  if (isProblem(body)) return new ApiError(body, retryAfter);
  const detail =
    response.status >= 500
      ? "The server cannot answer right now. Try again in a moment."
      : `The server refused this request (status ${response.status}).`;
  return new ApiError({ status: response.status, code: "unknown", detail }, retryAfter);
}

/** The message to show for anything that was thrown. */
export function errorMessage(error: unknown) {
  return error instanceof ApiError ? error.message : "Something went wrong on this page. Reload it and try again.";
}

/** Makes a sentence of a rule such as "must be 1 to 200 characters". */
export function ruleSentence({ rule }: Pick<FieldError, "rule">) {
  const sentence = rule.charAt(0).toUpperCase() + rule.slice(1);
  return /[.!?]$/.test(sentence) ? sentence : `${sentence}.`;
}

export function errorsByField(errors: FieldError[]): Record<string, string> {
  return Object.fromEntries(errors.toReversed().map((error) => [error.field, ruleSentence(error)]));
}

function isProblem(body: unknown): body is Problem {
  return typeof body === "object" && body !== null && "code" in body && "detail" in body && "status" in body;
}
