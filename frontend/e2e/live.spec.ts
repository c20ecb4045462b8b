import { TasksPage } from "./support/tasks-page";
import { expect, test } from "./support/test";

test("every change shows in the other tab at once", async ({ tasks, context }) => {
  const other = new TasksPage(await context.newPage());
  await other.open();
  await tasks.add("Buy milk", "Call Ada");
  await other.expectTitles("Call Ada", "Buy milk");
  await other.expectCounts(2, 2, 0);

  await other.tick("Buy milk");
  await expect(tasks.complete("Buy milk")).toBeChecked();
  await tasks.expectCounts(2, 1, 1);

  await (await tasks.edit("Call Ada", { title: "Write to Ada" })).getByLabel("Title").press("Enter");
  await other.expectTitles("Write to Ada", "Buy milk");

  await other.selectAll.check();
  await other.bulk("Delete").click();
  await expect(tasks.page.getByRole("heading", { name: "A clean slate" })).toBeVisible();
});

test("every change shows on another device, and nobody else's", async ({ tasks, account, otherDevice }) => {
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
  await tasks.tick("Buy milk");
  await expect(phone.page.getByRole("heading", { name: "All done" })).toBeVisible();
  await expect(stranger.getByRole("heading", { name: "A clean slate" })).toBeVisible();
});

test("what happened while the event stream was broken is caught up with", async ({ tasks, page, api, watch }) => {
  watch.allow(/net::ERR_/);
  let broken = false;
  await page.route("**/api/events*", (route) => (broken ? route.abort() : route.fallback()));
  await api.addTasks("Before");
  await tasks.expectTitles("Before");

  // A hidden page closes its stream; the route makes it fail to come back.
  broken = true;
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
  broken = false;
  await tasks.expectTitles("Meanwhile", "Before");
});
