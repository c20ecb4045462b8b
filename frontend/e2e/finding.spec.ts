import { expect, test } from "./support/test";

test.beforeEach(async ({ api }) => {
  const [apples] = await api.addTasks("Apples", { title: "bananas", description: "ripe, not green" }, "Cherries");
  if (apples) await api.complete(apples.id);
});

test("filter, search and order are in the address, which can be shared", async ({ tasks, page, context }) => {
  await tasks.filter("Pending").click();
  await expect(page).toHaveURL("/tasks?status=pending");
  await tasks.expectTitles("Cherries", "bananas");
  await tasks.sort.selectOption("Title A–Z");
  await expect(page).toHaveURL("/tasks?status=pending&sort=title");
  await tasks.expectTitles("bananas", "Cherries");
  await tasks.search.fill("GREEN");
  await expect(page).toHaveURL("/tasks?status=pending&q=GREEN&sort=title");
  await tasks.expectTitles("bananas");
  await tasks.expectCounts(1, 1, 0);

  const other = await context.newPage();
  await other.goto(page.url());
  await expect(other.getByRole("searchbox")).toHaveValue("GREEN");
  await expect(other.getByRole("combobox", { name: "Sort by" })).toHaveValue("title");
  await expect(other.getByRole("link", { name: "Pending" })).toHaveAttribute("aria-current", "page");
  await expect(other.locator("[data-row-title]")).toHaveText(["bananas"]);
});

test("the back button goes through the filters", async ({ tasks, page }) => {
  await tasks.filter("Completed").click();
  await tasks.expectTitles("Apples");
  await tasks.filter("All").click();
  await tasks.expectTitles("Cherries", "bananas", "Apples");
  await page.goBack();
  await expect(page).toHaveURL("/tasks?status=completed");
  await tasks.expectTitles("Apples");
  await page.goBack();
  await expect(page).toHaveURL("/tasks");
  await tasks.expectTitles("Cherries", "bananas", "Apples");
});

test("every order is the server's order", async ({ tasks, api, page }) => {
  const [, , apples] = await api.tasks();
  await api.update(apples?.id ?? "", { description: "red" });
  for (const [label, titles] of [
    ["Newest first", ["Cherries", "bananas", "Apples"]],
    ["Oldest first", ["Apples", "bananas", "Cherries"]],
    ["Recently changed", ["Apples", "Cherries", "bananas"]],
    ["Longest unchanged", ["bananas", "Cherries", "Apples"]],
    ["Title A–Z", ["Apples", "bananas", "Cherries"]],
    ["Title Z–A", ["Cherries", "bananas", "Apples"]],
  ] as const) {
    await tasks.sort.selectOption(label);
    await tasks.expectTitles(...titles);
  }
  await page.reload();
  await tasks.expectTitles("Cherries", "bananas", "Apples");
  await tasks.add("Blueberries");
  await tasks.expectTitles("Cherries", "Blueberries", "bananas", "Apples");
});

test("a search without results can be cleared", async ({ tasks, page }) => {
  await tasks.search.fill("durian");
  await expect(page.getByRole("heading", { name: "Nothing matches" })).toBeVisible();
  await expect(page.getByText("No task contains “durian”.")).toBeVisible();
  await page.getByRole("button", { name: "Clear the search" }).click();
  await expect(page).toHaveURL("/tasks");
  await expect(tasks.search).toHaveValue("");
  await tasks.expectTitles("Cherries", "bananas", "Apples");
});

test("an invalid address shows the whole list", async ({ tasks, page }) => {
  await tasks.open("?status=lost&sort=colour&q=%20%20&x=1");
  await tasks.expectTitles("Cherries", "bananas", "Apples");
  await expect(page.getByRole("link", { name: "All" })).toHaveAttribute("aria-current", "page");
});

test("special characters of SQL have no meaning in a search", async ({ tasks, api }) => {
  await api.addTasks("100% sure_thing \\o/", "100 pages");
  await tasks.search.fill("100%");
  await tasks.expectTitles("100% sure_thing \\o/");
  await tasks.search.fill("_thing \\");
  await tasks.expectTitles("100% sure_thing \\o/");
});
