import type { Page } from "@playwright/test";
import type { Api } from "./support/api";
import { expectAccessible, expectLargeTargets, expectNoOverflow } from "./support/assertions";
import { TasksPage } from "./support/tasks-page";
import { expect, test } from "./support/test";

type Case = { name: string; path: string; title: string };
type VisitorCase = Case & { prepare?: (page: Page) => Promise<void> };
type UserCase = Case & { prepare?: (page: Page, api: Api) => Promise<void> };

const DESKTOP = { width: 1280, height: 800 };
const PHONE = { width: 390, height: 844 };
const LONG = "W".repeat(120);
const DELETED = `Deleted${LONG}`;

const VISITOR: VisitorCase[] = [
  { name: "landing", path: "/", title: "Todo – tasks at the speed of thought" },
  {
    name: "sign-up",
    path: "/sign-up",
    title: "Sign up · Todo",
    prepare: async (page) => {
      await page.getByRole("button", { name: "Create account" }).click();
      await expect(page.getByLabel("E-mail")).toHaveAttribute("aria-invalid", "true");
    },
  },
  { name: "sign-in", path: "/sign-in", title: "Sign in · Todo" },
  { name: "not found", path: "/nowhere/at/all", title: "Not found · Todo" },
];

const USER: UserCase[] = [
  { name: "tasks, none", path: "/tasks", title: "Tasks · Todo" },
  {
    name: "tasks, in every state",
    path: "/tasks",
    title: "Tasks · Todo",
    prepare: async (page, api) => {
      const tasks = new TasksPage(page);
      const [done] = await api.addTasks(
        "Done",
        { title: LONG, description: LONG.repeat(3) },
        "Open",
        "Selected",
        DELETED,
      );
      await api.complete(done?.id ?? "");
      await expect(tasks.complete("Done")).toBeChecked();
      await tasks.row("Selected").hover();
      await tasks.select("Selected").click();
      await (await tasks.edit("Open", { title: "" })).getByLabel("Title").press("Enter");
      await tasks.row(DELETED).hover();
      await tasks.delete(DELETED).click();
      await expect(tasks.notification("Deleted")).toBeVisible();
    },
  },
  {
    name: "tasks, nothing matches",
    path: `/tasks?q=${LONG}`,
    title: "Tasks · Todo",
    prepare: (page) => expect(page.getByRole("heading", { name: "Nothing matches" })).toBeVisible(),
  },
  {
    name: "tasks, import dialog",
    path: "/tasks",
    title: "Tasks · Todo",
    prepare: async (page) => {
      await page.getByRole("button", { name: "Import and export" }).click();
      await page.getByRole("button", { name: "Import tasks…" }).click();
      await page.getByRole("dialog").getByRole("button", { name: "Import" }).click();
    },
  },
  {
    name: "tasks, keyboard help",
    path: "/tasks",
    title: "Tasks · Todo",
    prepare: async (page) => {
      await page.keyboard.press("?");
      await expect(page.getByRole("dialog", { name: "Keyboard shortcuts" })).toBeVisible();
    },
  },
  {
    name: "account",
    path: "/account",
    title: "Account · Todo",
    prepare: async (page, api) => {
      await api.createToken(LONG.slice(0, 100));
      await page.reload();
      await expect(page.getByRole("button", { name: /^Revoke/ })).toBeVisible();
      await expect(page.getByRole("list", { name: "Devices" })).toBeVisible();
      await check(page);
      await page.getByRole("button", { name: /^Revoke/ }).click();
      await expect(page.getByRole("dialog")).toBeVisible();
    },
  },
  {
    name: "account, menu and token dialog",
    path: "/account",
    title: "Account · Todo",
    prepare: async (page) => {
      await page.getByRole("button", { name: "Account menu" }).click();
      await expectAccessible(page);
      await page.getByRole("button", { name: "New token" }).click();
      await expect(page.getByRole("dialog")).toBeVisible();
    },
  },
  { name: "not found", path: "/nowhere/at/all", title: "Not found · Todo" },
];

async function open(page: Page, { path, title }: Case) {
  await page.goto(path);
  await expect(page).toHaveTitle(title);
  await expect(page.getByText("Loading tasks…")).toBeHidden();
}

async function showTheme(page: Page, colorScheme: "light" | "dark") {
  await page.emulateMedia({ colorScheme });
  await expect(page.locator("html")).toHaveClass(new RegExp(colorScheme));
}

async function check(page: Page) {
  await showTheme(page, "light");
  await expectAccessible(page);
  // In the dark theme, only the colours are different.
  await showTheme(page, "dark");
  await expectAccessible(page, "colours");
  await expectNoOverflow(page);
  if (page.viewportSize()?.width === PHONE.width) await expectLargeTargets(page);
}

test.beforeEach(({ pageErrors }) => pageErrors.allow(/status of 404 .*\/nowhere/));

for (const viewport of [DESKTOP, PHONE]) {
  test.describe(`at ${viewport.width} px`, () => {
    test.use({ viewport, hasTouch: viewport === PHONE });

    for (const { prepare, ...page } of VISITOR) {
      test(`a visitor: ${page.name}`, async ({ page: tab }) => {
        await open(tab, page);
        await prepare?.(tab);
        await check(tab);
      });
    }

    for (const { prepare, ...page } of USER) {
      test(`a user: ${page.name}`, async ({ page: tab, api }) => {
        await open(tab, page);
        await prepare?.(tab, api);
        await check(tab);
      });
    }
  });
}
