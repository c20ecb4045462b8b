// @vitest-environment jsdom
import { describe, expect, it } from "vitest";
import { ApiError, errorMessage, errorsByField, networkError, ruleSentence, toApiError } from "@/lib/api/problem";

const problem = {
  type: "about:blank",
  title: "Unprocessable Content",
  status: 422,
  code: "validation",
  detail: "title must be 1 to 200 characters.",
  request_id: "01",
  errors: [
    { field: "title", rule: "must be 1 to 200 characters" },
    { field: "title", rule: "must not contain line breaks" },
  ],
};

describe("toApiError", () => {
  it("keeps the server's message, code, fields and request id", () => {
    const error = toApiError(new Response(null, { status: 422 }), problem);
    expect(error).toMatchObject({ message: problem.detail, code: "validation", status: 422, requestId: "01" });
    expect(error.errors).toHaveLength(2);
  });

  it("reads the Retry-After header", () => {
    const response = new Response(null, { status: 429, headers: { "retry-after": "17" } });
    expect(toApiError(response, { ...problem, status: 429 }).retryAfter).toBe(17);
  });

  it.each([undefined, "<html>Bad gateway</html>", {}, null])("has a general message for %j", (body) => {
    const error = toApiError(new Response(null, { status: 502 }), body);
    expect(error.message).toBe("The server cannot answer right now. Try again in a moment.");
    expect(error.unreachable).toBe(true);
  });
});

it("marks a request without a response as unreachable", () => {
  expect(networkError()).toMatchObject({ status: 0, unreachable: true });
});

it("returns the first broken rule of each field as a sentence", () => {
  expect(errorsByField(problem.errors)).toEqual({ title: "Must be 1 to 200 characters." });
  expect(ruleSentence({ rule: "is taken!" })).toBe("Is taken!");
});

it("hides the message of an unexpected error", () => {
  expect(errorMessage(new TypeError("x is undefined"))).toMatch(/^Something went wrong/);
  expect(errorMessage(new ApiError({ status: 404, code: "not_found", detail: "There is nothing here." }))).toBe(
    "There is nothing here.",
  );
});
