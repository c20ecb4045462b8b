// @vitest-environment jsdom
import { createHash } from "node:crypto";
import { expect, test } from "vitest";
import { contentSecurityPolicy, SONNER_STYLE_HASH } from "@/server/csp";

test("the policy has the hash of the style sheet that sonner inserts", async () => {
  await import("sonner");
  const styles = [...document.querySelectorAll("style")].map((style) => style.textContent);
  expect(styles).toHaveLength(1);
  const digest = createHash("sha256")
    .update(styles[0] ?? "")
    .digest("base64");
  expect(SONNER_STYLE_HASH).toBe(`sha256-${digest}`);
});

test("scripts need the nonce, and only development allows eval", () => {
  const policy = contentSecurityPolicy("abc", false);
  expect(policy).toContain("script-src 'self' 'nonce-abc' 'strict-dynamic';");
  expect(policy.replace("style-src-attr 'unsafe-inline'", "")).not.toContain("unsafe");
  expect(contentSecurityPolicy("abc", true)).toContain("'unsafe-eval'");
});
