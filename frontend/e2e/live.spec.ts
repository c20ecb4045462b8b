import { TasksPage } from "./support/tasks-page";
import { expect, test } from "./support/test";

test("every change is shown in another tab", async ({ tasks, context }) => {
  const other = new TasksPage(await context.newPage());
  await other.open();
  await tasks.add("Buy milk", "Call Ada");
  await other.expectTitles("Call Ada", "Buy milk");
  await other.expectCounts(2, 2, 0);

  await other.completeTask("Buy milk");
  await expect(tasks.complete("Buy milk")).toBeChecked();
  await tasks.expectCounts(2, 1, 1);

  await (await tasks.edit("Call Ada", { title: "Write to Ada" })).getByLabel("Title").press("Enter");
  await other.expectTitles("Write to Ada", "Buy milk");

  await other.selectAll.check();
  await other.bulk("Delete").click();
  await expect(tasks.page.getByRole("heading", { name: "A clean slate" })).toBeVisible();
});

test("every change is shown on another device of the user, and not to another user", async ({
  tasks,
  account,
  otherDevice,
}) => {
  const phone = new TasksPage(await otherDevice(account));
  await phone.open("?status=pending");
  const stranger = await otherDevice();
  await stranger.request.post("/api/auth/sign-up", {
    data: { email: `stranger-${account.email}`, password: account.password },
  });
  const theirs = new TasksPage(stranger);
  await theirs.open();

  await tasks.add("Buy milk");
  await phone.expectTitles("Buy milk");
  await tasks.completeTask("Buy milk");
  await expect(phone.page.getByRole("heading", { name: "All done" })).toBeVisible();
  await expect(stranger.getByRole("heading", { name: "A clean slate" })).toBeVisible();
});

test("changes during an interruption of the event stream are shown after it", async ({
  tasks,
  page,
  api,
  pageErrors,
}) => {
  pageErrors.allow(/net::ERR_/);
  let blocked = false;
  await page.route("**/api/events*", (route) => (blocked ? route.abort() : route.fallback()));
  await api.addTasks("Before");
  await tasks.expectTitles("Before");

  // A hidden page closes its stream, and the route then makes the new connection fail.
  blocked = true;
  const failed = page.waitForEvent("requestfailed", (request) => request.url().includes("/api/events"));
  await page.evaluate(() => {
    Object.defineProperty(document, "hidden", { configurable: true, value: true });
    document.dispatchEvent(new Event("visibilitychange"));
    Object.defineProperty(document, "hidden", { configurable: true, value: false });
    document.dispatchEvent(new Event("visibilitychange"));
    window.dispatchEvent(new Event("online"));
  });
  await failed;
  await api.addTasks("Meanwhile");
  blocked = false;
  await tasks.expectTitles("Meanwhile", "Before");
});
