import type { ServerResponse } from "node:http";

interface Problem {
  status: number;
  title: string;
  code: string;
  detail: string;
}

export const BAD_REQUEST: Problem = {
  status: 400,
  title: "Bad Request",
  code: "bad_request",
  detail: "The address of the request is not valid.",
};

export const BACKEND_UNAVAILABLE: Problem = {
  status: 502,
  title: "Bad Gateway",
  code: "backend_unavailable",
  detail: "The service cannot be reached right now. Please try again in a moment.",
};

export const OVERLOADED: Problem = {
  status: 503,
  title: "Service Unavailable",
  code: "overloaded",
  detail: "The service has as many requests as it can take. Please try again in a moment.",
};

/** Sends an error in the format that the backend uses (RFC 9457). */
export function sendProblem(response: ServerResponse, problem: Problem, requestId: string) {
  const body = JSON.stringify({ type: "about:blank", ...problem, request_id: requestId });
  if (problem.status >= 500) response.setHeader("retry-after", "2");
  response.setHeader("cache-control", "no-store");
  response.setHeader("content-type", "application/problem+json");
  response.setHeader("content-length", Buffer.byteLength(body));
  response.writeHead(problem.status).end(body);
}
