import { TasksPage } from "./support/tasks-page";
import { expect, newAccount, test } from "./support/test";

// This test also runs against a cluster, so it uses only the pages.
test("a user signs up, works with tasks and has them after signing in again", async ({ page, context, pageErrors }) => {
  // Chromium logs this for every host except localhost without HTTPS.
  pageErrors.allow(/Cross-Origin-Opener-Policy header has been ignored/);
  const { email, password } = newAccount();
  await page.goto("/");
  await page.getByRole("banner").getByRole("link", { name: "Sign up" }).click();
  await page.getByLabel("E-mail").fill(email);
  await page.getByLabel("Password").fill(password);
  await page.getByRole("button", { name: "Create account" }).click();
  await expect(page).toHaveURL("/tasks");

  const tasks = new TasksPage(page);
  await tasks.ready();
  const otherTab = new TasksPage(await context.newPage());
  await otherTab.open();
  await tasks.add("Buy milk", "Call Ada", "Water the plants");
  await tasks.expectTitles("Water the plants", "Call Ada", "Buy milk");
  await otherTab.expectTitles("Water the plants", "Call Ada", "Buy milk");

  const editor = await tasks.edit("Call Ada", { title: "Write to Ada", description: "about the engine" });
  await editor.getByLabel("Title").press("Enter");
  await expect(editor).toBeHidden();
  // check() would fail, because the change may be shown only after a running fetch.
  await tasks.complete("Buy milk").click();
  await expect(tasks.complete("Buy milk")).toBeChecked();
  await tasks.delete("Water the plants").click();
  await otherTab.expectTitles("Write to Ada", "Buy milk");
  await expect(otherTab.complete("Buy milk")).toBeChecked();

  await otherTab.page.close();

  await page.getByRole("button", { name: "Account menu" }).click();
  await page.getByRole("button", { name: "Sign out" }).click();
  await expect(page).not.toHaveURL(/\/tasks/);
  await page.goto("/sign-in");
  await page.getByLabel("E-mail").fill(email);
  await page.getByLabel("Password").fill(password);
  await page.getByRole("button", { name: "Sign in" }).click();
  await expect(page).toHaveURL("/tasks");
  await tasks.expectTitles("Write to Ada", "Buy milk");
  await tasks.expectCounts(2, 1, 1);
});
