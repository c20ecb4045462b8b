import createClient from "openapi-fetch";
import { setReachable } from "@/lib/connection";
import { ApiError, errorFrom, networkError } from "./problem";
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

type Answer<T> = { data?: T; error?: unknown; response: Response };

/** The body of a successful answer; anything else is thrown as an {@link ApiError}. */
export async function body<T>(answer: Promise<Answer<T>>): Promise<T> {
  const { data, error, response } = await answer;
  if (response.ok) return data as T;
  throw error instanceof ApiError ? error : errorFrom(response, error);
}
