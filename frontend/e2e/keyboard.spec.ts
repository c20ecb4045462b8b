import type { Locator, Page } from "@playwright/test";
import { TasksPage } from "./support/tasks-page";
import { expect, newAccount, test } from "./support/test";

/** Presses Tab until the target has the focus. A headless browser stops at the end of the page and then goes back. */
async function tabTo(page: Page, target: Locator) {
  await expect(target).toBeVisible();
  for (let presses = 0; presses < 80; presses++) {
    if (await target.evaluate((element) => element === document.activeElement)) return;
    await page.keyboard.press(presses < 40 ? "Tab" : "Shift+Tab");
  }
  await expect(target, "can be reached with Tab").toBeFocused();
}

test("the whole journey works without a mouse", async ({ page }) => {
  const { email, password } = newAccount();
  const keys = page.keyboard;
  const tasks = new TasksPage(page);
  await page.goto("/");
  await tabTo(page, page.getByRole("link", { name: "Sign up" }).first());
  await keys.press("Enter");
  await expect(page.getByRole("button", { name: "Create account" })).toBeEnabled();
  await tabTo(page, page.getByLabel("E-mail"));
  await keys.type(email);
  await keys.press("Tab");
  await keys.type(password);
  await keys.press("Enter");

  await tasks.ready();
  await keys.press("n");
  for (const title of ["Three", "Two", "One"]) {
    await keys.type(title);
    await keys.press("Enter");
  }
  await tasks.expectTitles("One", "Two", "Three");
  await expect(tasks.row("One").locator("[aria-busy=true]")).toBeHidden();

  await keys.press("Escape");
  await tabTo(page, tasks.title("One"));
  await keys.press("ArrowDown");
  await expect(tasks.title("Two")).toBeFocused();
  await keys.press("Space");
  await expect(tasks.complete("Two")).toBeChecked();
  await keys.press("j");
  await expect(tasks.title("Three")).toBeFocused();
  await keys.press("Enter");
  await expect(tasks.editor("Three").getByLabel("Title")).toBeFocused();
  await keys.type("Third");
  await keys.press("Enter");
  await expect(tasks.title("Third")).toBeFocused();

  await keys.press("Delete");
  await tasks.expectTitles("One", "Two");
  await expect(tasks.title("Two")).toBeFocused();
  await keys.press("u");
  await tasks.expectTitles("One", "Two", "Third");

  await keys.press("Home");
  await keys.press("x");
  await keys.press("Shift+ArrowDown");
  await expect(tasks.selectionBar).toContainText("2 selected");
  await tabTo(page, tasks.bulk("Reopen"));
  await keys.press("Enter");
  await tasks.expectCounts(3, 3, 0);

  await keys.press("/");
  await expect(tasks.search).toBeFocused();
  await keys.type("third");
  await tasks.expectTitles("Third");
  await keys.press("Escape");
  await tasks.expectTitles("One", "Two", "Third");
  await keys.press("Escape");

  await keys.press("g");
  await keys.press("a");
  await expect(page).toHaveURL("/account");
  await tabTo(page, page.getByRole("button", { name: "Account menu" }));
  await keys.press("Enter");
  await tabTo(page, page.getByRole("button", { name: "Sign out" }));
  await keys.press("Enter");
  await expect(page).toHaveURL("/sign-in");
});

test("? shows the shortcuts, and Escape closes them and restores the focus", async ({ tasks, page }) => {
  await tasks.add("Buy milk");
  await expect(tasks.row("Buy milk").locator("[aria-busy=true]")).toBeHidden();
  await tabTo(page, tasks.title("Buy milk"));
  await page.keyboard.press("?");
  const help = page.getByRole("dialog", { name: "Keyboard shortcuts" });
  for (const description of [
    "Add a task",
    "Search",
    "Undo the last change",
    "Next task",
    "Complete or reopen",
    "Select more",
  ]) {
    await expect(help.getByText(description, { exact: true })).toBeVisible();
  }
  await page.keyboard.press("Escape");
  await expect(help).toBeHidden();
  await expect(tasks.title("Buy milk")).toBeFocused();
});

test("letters are not shortcuts in a text field", async ({ tasks, page, api }) => {
  await api.addTasks("Buy milk");
  const letters = "n / u ? j k x e g t g a";
  await tasks.composer.pressSequentially(letters);
  await expect(tasks.composer).toHaveValue(letters);
  await tasks.composer.fill("");
  await tasks.search.pressSequentially("?un");
  await expect(tasks.search).toHaveValue("?un");
  await expect(page).toHaveURL("/tasks?q=%3Fun");
  await tasks.search.fill("");
  const editor = await tasks.edit("Buy milk", {});
  await editor.getByLabel("Description").pressSequentially("xe?ga ");
  await expect(editor.getByLabel("Description")).toHaveValue("xe?ga ");
  await expect(page.getByRole("dialog")).toBeHidden();
  await expect(page).toHaveURL("/tasks");
});

test("single-key shortcuts can be switched off, and stay off after a reload", async ({ tasks, page, api }) => {
  await api.addTasks("Buy milk");
  await tasks.expectTitles("Buy milk");
  await page.keyboard.press("?");
  await page.getByRole("checkbox", { name: "Single-key shortcuts" }).uncheck();
  await page.keyboard.press("Escape");
  await page.reload();
  await tasks.ready();
  await tabTo(page, tasks.title("Buy milk"));
  for (const key of ["n", "/", "x", "e", "?"]) {
    await page.keyboard.press(key);
    await expect(tasks.title("Buy milk")).toBeFocused();
  }
  await expect(tasks.select("Buy milk")).not.toBeChecked();
  await expect(page.getByRole("dialog")).toBeHidden();
  await page.keyboard.press("Space");
  await expect(tasks.complete("Buy milk")).toBeChecked();
  await page.keyboard.press("Delete");
  await expect(page.getByRole("heading", { name: "A clean slate" })).toBeVisible();

  await page.getByRole("button", { name: "Account menu" }).press("Enter");
  await page.getByRole("button", { name: "Keyboard shortcuts" }).press("Enter");
  await page.getByRole("checkbox", { name: "Single-key shortcuts" }).check();
  await page.keyboard.press("Escape");
  await page.keyboard.press("n");
  await expect(tasks.composer).toBeFocused();
});

test("the skip link skips the navigation", async ({ tasks, page }) => {
  await page.keyboard.press("Tab");
  const skip = page.getByRole("link", { name: "Skip to content" });
  await expect(skip).toBeFocused();
  await expect(skip).toBeInViewport();
  await page.keyboard.press("Enter");
  await page.keyboard.press("Tab");
  await expect(tasks.composer).toBeFocused();
});
