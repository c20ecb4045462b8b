import { defineConfig, devices } from "@playwright/test";

// `cargo xtask test` starts the application under test and sets BASE_URL.
export default defineConfig({
  testDir: "e2e",
  workers: 2,
  fullyParallel: true,
  // The timeouts are long, since the machine may build something else at the same time.
  timeout: 60_000,
  expect: { timeout: 15_000 },
  forbidOnly: Boolean(process.env.CI),
  reporter: [["list"], ["html", { open: "never" }]],
  use: {
    ...devices["Desktop Chrome"],
    baseURL: process.env.BASE_URL,
    launchOptions: {
      executablePath: process.env.CHROMIUM_PATH ?? "/usr/bin/chromium",
      // Maps host names that only the Ingress of a cluster knows.
      args: process.env.HOST_RESOLVER_RULES ? [`--host-resolver-rules=${process.env.HOST_RESOLVER_RULES}`] : [],
    },
    contextOptions: { reducedMotion: "reduce" },
    // Traces would take an eighth of the time. `--trace on` records them.
    screenshot: "only-on-failure",
  },
});
