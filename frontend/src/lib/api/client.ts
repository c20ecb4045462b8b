import createClient from "openapi-fetch";
import { setReachable } from "@/lib/connection";
import { ApiError, networkError, toApiError } from "./problem";
import type { paths } from "./schema";

async function request(input: Request) {
  const response = await fetch(input).catch((error: unknown) => {
    if (input.signal.aborted) throw error;
    setReachable(false);
    throw networkError();
  });
  setReachable(response.status < 502);
  return response;
}

export const http = createClient<paths>({ baseUrl: "/", fetch: request });

type Result<T> = { data?: T; error?: unknown; response: Response };

/** Returns the body of a successful response, and throws an {@link ApiError} for every other one. */
export async function body<T>(result: Promise<Result<T>>): Promise<T> {
  const { data, error, response } = await result;
  if (response.ok) return data as T;
  throw error instanceof ApiError ? error : toApiError(response, error);
}
