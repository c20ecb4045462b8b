import type { Page, Route } from "@playwright/test";
import { TasksPage } from "./support/tasks-page";
import { expect, test } from "./support/test";

const problem = {
  status: 500,
  contentType: "application/problem+json",
  json: { type: "about:blank", title: "Internal Server Error", status: 500, code: "internal", detail: "It broke." },
};

/** Blocks every request to `url` until the returned function is called. */
async function blockRequests(page: Page, url: string | RegExp) {
  let release = () => {};
  const released = new Promise<void>((resolve) => {
    release = resolve;
  });
  await page.route(url, async (route) => {
    await released;
    await route.fallback();
  });
  return release;
}

test.describe("a change is shown before the server responds", () => {
  test("a new task", async ({ tasks, page }) => {
    const release = await blockRequests(page, "**/api/tasks");
    await tasks.add("Buy milk");
    await expect(tasks.row("Buy milk").locator("[aria-busy=true]")).toBeVisible();
    await tasks.expectCounts(1, 1, 0);
    release();
    await expect(tasks.row("Buy milk").locator("[aria-busy=true]")).toBeHidden();
    await tasks.expectTitles("Buy milk");
  });

  test("an edit, a completion and a deletion", async ({ tasks, page, api }) => {
    await api.addTasks("Three", "Two", "One");
    const release = await blockRequests(page, /\/api\/tasks\/.+/);
    await tasks.completeTask("One");
    await (await tasks.edit("Two", { title: "Second" })).getByLabel("Title").press("Enter");
    await tasks.row("Three").hover();
    await tasks.delete("Three").click();
    await tasks.expectTitles("One", "Second");
    await tasks.expectCounts(2, 1, 1);
    release();
    await expect
      .poll(async () => (await api.tasks()).map(({ title, status }) => [title, status]))
      .toEqual([
        ["One", "completed"],
        ["Second", "pending"],
      ]);
    await tasks.expectTitles("One", "Second");
  });
});

test.describe("a change that fails is rolled back, and can be repeated", () => {
  test.beforeEach(({ pageErrors }) => pageErrors.allow(/status of 500 .*\/api\/tasks/));
  const failChanges = (route: Route) =>
    route.request().method() === "GET" ? route.fallback() : route.fulfill(problem);

  test("a new task: its text is restored in the field", async ({ tasks, page, api }) => {
    await page.route("**/api/tasks", failChanges);
    await tasks.add("Buy milk");
    const notice = tasks.notification("“Buy milk” was not added");
    await expect(notice).toContainText("It broke.");
    await expect(tasks.composer).toHaveValue("Buy milk");
    await expect(page.getByRole("heading", { name: "A clean slate" })).toBeVisible();

    await page.unroute("**/api/tasks");
    await notice.getByRole("button", { name: "Retry" }).click();
    await tasks.expectTitles("Buy milk");
    await expect.poll(api.tasks).toHaveLength(1);
    await expect(tasks.composer).toHaveValue("");
  });

  test("an edit: the text is kept in the open editor", async ({ tasks, page, api }) => {
    await api.addTasks("Buy milk");
    await page.route("**/api/tasks/*", failChanges);
    await (await tasks.edit("Buy milk", { title: "Buy oat milk" })).getByLabel("Title").press("Enter");
    const editor = tasks.editor("Buy milk");
    await expect(editor.getByLabel("Title")).toHaveValue("Buy oat milk");
    await expect(editor.getByLabel("Title")).toHaveAccessibleDescription("It broke.");

    await page.unroute("**/api/tasks/*");
    await tasks.notification("“Buy milk” was not saved").getByRole("button", { name: "Retry" }).click();
    await tasks.expectTitles("Buy oat milk");
    await expect.poll(api.tasks).toMatchObject([{ title: "Buy oat milk" }]);
  });

  test("a completion", async ({ tasks, page, api }) => {
    await api.addTasks("Buy milk");
    await page.route("**/api/tasks/*/complete", failChanges);
    await tasks.complete("Buy milk").click();
    const notice = tasks.notification("“Buy milk” was not completed");
    await expect(notice).toBeVisible();
    await expect(tasks.complete("Buy milk")).not.toBeChecked();
    await tasks.expectCounts(1, 1, 0);

    await page.unroute("**/api/tasks/*/complete");
    await notice.getByRole("button", { name: "Retry" }).click();
    await expect(tasks.complete("Buy milk")).toBeChecked();
    await tasks.expectCounts(1, 0, 1);
  });

  test("a deletion", async ({ tasks, page, api }) => {
    await api.addTasks("Buy milk");
    await page.route("**/api/tasks/*", failChanges);
    await tasks.row("Buy milk").hover();
    await tasks.delete("Buy milk").click();
    const notice = tasks.notification("“Buy milk” was not deleted");
    await expect(notice).toBeVisible();
    await tasks.expectTitles("Buy milk");
    await expect(tasks.notification("Deleted “Buy milk”")).toBeHidden();

    await page.unroute("**/api/tasks/*");
    await notice.getByRole("button", { name: "Retry" }).click();
    await expect(page.getByRole("heading", { name: "A clean slate" })).toBeVisible();
    await expect.poll(api.tasks).toEqual([]);
  });

  test("many at once", async ({ tasks, page, api }) => {
    await api.addTasks("One", "Two");
    await tasks.expectTitles("Two", "One");
    await page.route("**/api/tasks/bulk", failChanges);
    await tasks.selectAll.check();
    await tasks.bulk("Delete").click();
    const notice = tasks.notification("2 tasks were not deleted");
    await expect(notice).toBeVisible();
    await tasks.expectTitles("Two", "One");
    await tasks.expectCounts(2, 2, 0);

    await page.unroute("**/api/tasks/bulk");
    await notice.getByRole("button", { name: "Retry" }).click();
    await expect(page.getByRole("heading", { name: "A clean slate" })).toBeVisible();
  });
});

test("a new task whose response is lost is stored once, however often it is sent", async ({
  tasks,
  page,
  api,
  pageErrors,
}) => {
  pageErrors.allow(/net::ERR_/);
  const keys = new Set<string | null>();
  let attempts = 0;
  await page.route("**/api/tasks", async (route) => {
    if (route.request().method() !== "POST") return route.fallback();
    keys.add(await route.request().headerValue("idempotency-key"));
    attempts += 1;
    if (attempts > 2) return route.fallback();
    await route.fetch();
    await route.abort("connectionreset");
  });
  await tasks.add("Buy milk");
  await tasks.notification("“Buy milk” was not added").getByRole("button", { name: "Retry" }).click();
  await expect.poll(() => attempts).toBe(2);
  await expect(tasks.composer).toHaveValue("Buy milk");
  await tasks.composer.press("Enter");
  await expect.poll(() => attempts).toBe(3);
  await tasks.expectTitles("Buy milk");
  await tasks.expectCounts(1, 1, 0);
  expect(keys.size).toBe(1);
  expect(await api.tasks()).toHaveLength(1);
  await page.reload();
  await tasks.expectTitles("Buy milk");
});

test.describe("two tabs that edit the same task", () => {
  async function conflict(tasks: TasksPage, otherTab: Page) {
    const other = new TasksPage(otherTab);
    await other.open();
    await expect(tasks.title("Buy milk")).toBeVisible();
    await tasks.edit("Buy milk", { title: "Buy oat milk" });
    await (await other.edit("Buy milk", { title: "Buy soy milk", description: "Vanilla" }))
      .getByLabel("Title")
      .press("Enter");
    const editor = tasks.editor("Buy milk");
    const notice = editor.getByRole("alert");
    await expect(notice).toContainText("changed in another tab");
    await expect(notice).toContainText("Buy soy milk");
    await expect(notice).toContainText("Vanilla");
    await expect(editor.getByLabel("Title")).toHaveValue("Buy oat milk");
    return { other, editor };
  }

  test.beforeEach(async ({ api }) => void (await api.addTasks("Buy milk")));

  test("keep mine", async ({ tasks, context }) => {
    const { other, editor } = await conflict(tasks, await context.newPage());
    await editor.getByRole("button", { name: "Keep mine" }).click();
    await tasks.expectTitles("Buy oat milk");
    await other.expectTitles("Buy oat milk");
  });

  test("take theirs", async ({ tasks, context, api }) => {
    const { editor } = await conflict(tasks, await context.newPage());
    await editor.getByRole("button", { name: "Take theirs" }).click();
    await tasks.expectTitles("Buy soy milk");
    await expect(tasks.row("Buy soy milk")).toContainText("Vanilla");
    expect(await api.tasks()).toMatchObject([{ title: "Buy soy milk" }]);
  });

  test("an edit of a version that is no longer current is refused (412)", async ({ tasks, page, api, pageErrors }) => {
    pageErrors.allow(/status of 412/);
    const [task] = await api.tasks();
    await expect(tasks.title("Buy milk")).toBeVisible();
    await page.route("**/api/events*", (route) => route.abort());
    pageErrors.allow(/net::ERR_/);
    await page.reload();
    const editor = await tasks.edit("Buy milk", { title: "Buy oat milk" });
    await api.update(task?.id ?? "", { title: "Buy soy milk" });
    await editor.getByLabel("Title").press("Enter");
    await expect(tasks.editor("Buy milk").getByRole("alert")).toContainText("Buy soy milk");
    await tasks.editor("Buy milk").getByRole("button", { name: "Keep mine" }).click();
    await tasks.expectTitles("Buy oat milk");
    await expect.poll(api.tasks).toMatchObject([{ title: "Buy oat milk" }]);
  });

  test("a completion in the other tab does not prevent an edit", async ({ tasks, api, pageErrors }) => {
    pageErrors.allow(/status of 412/);
    const [task] = await api.tasks();
    const editor = await tasks.edit("Buy milk", { title: "Buy oat milk" });
    await api.complete(task?.id ?? "");
    await tasks.expectCounts(1, 0, 1);
    await editor.getByLabel("Title").press("Enter");
    await expect.poll(api.tasks).toMatchObject([{ title: "Buy oat milk", status: "completed" }]);
    await expect(tasks.complete("Buy oat milk")).toBeChecked();
  });

  test("text for a task that has been deleted can be added as a new one", async ({ tasks, page, api, pageErrors }) => {
    pageErrors.allow(/status of 404/, /net::ERR_/);
    const [task] = await api.tasks();
    await page.route("**/api/events*", (route) => route.abort());
    await page.reload();
    const editor = await tasks.edit("Buy milk", { title: "Buy oat milk" });
    await api.delete(task?.id ?? "");
    await editor.getByLabel("Title").press("Enter");
    await tasks.notification("deleted meanwhile").getByRole("button", { name: "Add" }).click();
    await tasks.expectTitles("Buy oat milk");
  });
});

test.describe("while loading", () => {
  test("a message is shown, then the list", async ({ page, tasks, api }) => {
    await api.addTasks("Buy milk");
    const release = await blockRequests(page, "**/api/tasks?*");
    await page.reload();
    await expect(page.getByText("Loading tasks…")).toBeAttached();
    release();
    await tasks.expectTitles("Buy milk");
  });

  test("an error is shown with a button to try again", async ({ page, tasks, api, pageErrors }) => {
    pageErrors.allow(/status of 500 .*\/api\/tasks/);
    await api.addTasks("Buy milk");
    await page.route("**/api/tasks?*", (route) => route.fulfill(problem));
    await page.reload();
    const alert = page.getByRole("main").getByRole("alert");
    await expect(alert).toContainText("Your tasks could not be loaded");
    await expect(alert).toContainText("It broke.");
    await page.unroute("**/api/tasks?*");
    await alert.getByRole("button", { name: "Try again" }).click();
    await tasks.expectTitles("Buy milk");
  });

  test("an error on a later page keeps the loaded tasks", async ({ page, tasks, api, pageErrors }) => {
    pageErrors.allow(/status of 500 .*cursor=/);
    await api.importTasks(150);
    await page.route("**/api/tasks?*cursor=*", (route) => route.fulfill(problem));
    await page.reload();
    await expect(tasks.title("Task 00001")).toBeVisible();
    await page.keyboard.press("End");
    const alert = page.getByRole("alert").filter({ hasText: "More tasks could not be loaded" });
    await alert.scrollIntoViewIfNeeded();
    await page.unroute("**/api/tasks?*cursor=*");
    await alert.getByRole("button", { name: "Try again" }).click();
    await expect(alert).toBeHidden();
    await expect(async () => {
      await page.keyboard.press("End");
      await expect(tasks.title("Task 00150")).toBeInViewport({ timeout: 500 });
    }).toPass();
  });
});

test("offline, a notice is shown and changes fail without losing their text; online, both recover", async ({
  page,
  context,
  tasks,
  api,
  pageErrors,
}) => {
  pageErrors.allow(/net::ERR_/);
  await api.addTasks("Buy milk");
  await tasks.expectTitles("Buy milk");
  await context.setOffline(true);
  const notice = page.getByRole("status").filter({ hasText: "You are offline" });
  await expect(notice).toBeVisible();
  await tasks.add("Call Ada");
  const failure = tasks.notification("“Call Ada” was not added");
  await expect(failure).toContainText("You are offline");
  await expect(tasks.composer).toHaveValue("Call Ada");

  await context.setOffline(false);
  await expect(notice).toBeHidden();
  await api.addTasks("From elsewhere");
  await expect(tasks.title("From elsewhere")).toBeVisible();
  await failure.getByRole("button", { name: "Retry" }).click();
  await tasks.expectTitles("Call Ada", "From elsewhere", "Buy milk");
});

test("a notice is shown while the server does not respond", async ({ page, tasks, pageErrors }) => {
  pageErrors.allow(/status of 502/, /net::ERR_/);
  await page.route("**/api/**", (route) => route.fulfill({ status: 502 }));
  await tasks.add("Buy milk");
  const notice = page.getByRole("status").filter({ hasText: "The server does not answer" });
  await expect(notice).toBeVisible();
  await page.unroute("**/api/**");
  await tasks.notification("“Buy milk” was not added").getByRole("button", { name: "Retry" }).click();
  await tasks.expectTitles("Buy milk");
  await expect(notice).toBeHidden();
});
