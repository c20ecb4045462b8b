import { defineConfig, devices } from "@playwright/test";

// The stack under test is started by `cargo xtask test`, which sets BASE_URL.
export default defineConfig({
  testDir: "e2e",
  workers: 2,
  fullyParallel: true,
  // Generous, for machines that build something else at the same time.
  timeout: 60_000,
  expect: { timeout: 15_000 },
  forbidOnly: Boolean(process.env.CI),
  reporter: [["list"], ["html", { open: "never" }]],
  use: {
    ...devices["Desktop Chrome"],
    baseURL: process.env.BASE_URL,
    launchOptions: {
      executablePath: process.env.CHROMIUM_PATH ?? "/usr/bin/chromium",
      // For host names that only a cluster's Ingress knows.
      args: process.env.HOST_RESOLVER_RULES ? [`--host-resolver-rules=${process.env.HOST_RESOLVER_RULES}`] : [],
    },
    contextOptions: { reducedMotion: "reduce" },
    // A trace costs an eighth of the time; `--trace on` records it.
    screenshot: "only-on-failure",
  },
});
