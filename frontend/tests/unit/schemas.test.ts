import { describe, expect, it } from "vitest";
import { newToken, passwordChange, signIn, signUp } from "@/lib/schemas";
import { validateTaskText } from "@/lib/tasks/validation";

describe("a task's text", () => {
  it("is trimmed", () => {
    expect(validateTaskText({ title: "  milk ", description: "two" }).text).toEqual({
      title: "milk",
      description: "two",
    });
  });

  it("counts characters, not code units", () => {
    expect(validateTaskText({ title: "🎉".repeat(200), description: "" }).error).toBeUndefined();
    expect(validateTaskText({ title: "🎉".repeat(201), description: "" }).error).toBe(
      "The title must be 1 to 200 characters.",
    );
  });

  it.each([
    ["   ", "", "The title must be 1 to 200 characters."],
    ["a\u0007b", "", "The title must not contain line breaks or other control characters."],
    ["a", "x".repeat(1001), "The description must be at most 1000 characters."],
  ])("%j with %j is refused", (title, description, error) => {
    expect(validateTaskText({ title, description }).error).toBe(error);
  });
});

describe("an account", () => {
  const valid = { name: "", email: " Ada@Example.com ", password: "0123456789" };

  it("has its e-mail address normalised", () => {
    expect(signUp.parse(valid).email).toBe("ada@example.com");
  });

  it.each([
    [{ email: "ada" }, "email"],
    [{ password: "012345678" }, "password"],
    [{ password: "x".repeat(129) }, "password"],
    [{ name: "x".repeat(101) }, "name"],
  ])("is refused with %j", (change, field) => {
    expect(signUp.safeParse({ ...valid, ...change }).error?.issues[0]?.path).toEqual([field]);
  });

  it("accepts any existing password for the sign-in", () => {
    expect(signIn.safeParse({ email: "ada@example.com", password: "short" }).success).toBe(true);
  });
});

it("requires the new password twice", () => {
  const form = { current_password: "old", new_password: "0123456789", confirmation: "012345678" };
  expect(passwordChange.safeParse(form).error?.issues[0]?.path).toEqual(["confirmation"]);
});

it("parses the expiry of a token", () => {
  expect(newToken.parse({ name: " ci ", expires_in_days: "90" })).toEqual({ name: "ci", expires_in_days: 90 });
  expect(newToken.parse({ name: "ci", expires_in_days: "" }).expires_in_days).toBeUndefined();
  expect(newToken.safeParse({ name: " ", expires_in_days: "" }).success).toBe(false);
});
