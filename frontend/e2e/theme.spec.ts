import type { Page } from "@playwright/test";
import { expect, test } from "./support/test";

const background = (page: Page) => page.evaluate(() => getComputedStyle(document.body).backgroundColor);

/** The background at the first paint. */
async function firstPaint(page: Page) {
  await page.addInitScript(() => {
    new PerformanceObserver((list) => {
      if (list.getEntriesByName("first-paint").length === 0) return;
      Object.assign(window, { firstPaint: getComputedStyle(document.body).backgroundColor });
    }).observe({ type: "paint", buffered: true });
  });
  await page.reload();
  const painted = await page.waitForFunction(() => (window as unknown as { firstPaint?: string }).firstPaint);
  return painted.jsonValue();
}

test("the theme is kept after a reload from the first paint on, and other tabs change with it", async ({
  page,
  context,
  account: _,
}) => {
  await page.emulateMedia({ colorScheme: "light" });
  await page.goto("/tasks");
  const light = await background(page);
  const other = await context.newPage();
  await other.emulateMedia({ colorScheme: "light" });
  await other.goto("/account");

  await page.getByRole("button", { name: "Account menu" }).click();
  await page.getByRole("radio", { name: "Dark" }).check({ force: true });
  await expect(page.locator("html")).toHaveClass(/dark/);
  const dark = await background(page);
  expect(dark).not.toBe(light);
  await expect(other.locator("html")).toHaveClass(/dark/);

  expect(await firstPaint(page)).toBe(dark);
  await page.getByRole("button", { name: "Account menu" }).click();
  await expect(page.getByRole("radio", { name: "Dark" })).toBeChecked();
});

test("the theme of the system is used, even when it changes", async ({ page }) => {
  await page.emulateMedia({ colorScheme: "dark" });
  await page.goto("/");
  await expect(page.getByRole("radio", { name: "System" })).toBeChecked();
  const dark = await background(page);
  await page.emulateMedia({ colorScheme: "light" });
  await expect.poll(() => background(page)).not.toBe(dark);
  const light = await background(page);

  await page.getByRole("radio", { name: "Light" }).check({ force: true });
  await page.emulateMedia({ colorScheme: "dark" });
  expect(await firstPaint(page)).toBe(light);
  await page.getByRole("radio", { name: "System" }).check({ force: true });
  await expect.poll(() => background(page)).toBe(dark);
});
