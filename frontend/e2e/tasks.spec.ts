import { TasksPage } from "./support/tasks-page";
import { expect, test } from "./support/test";

test.describe("adding", () => {
  test("adds one task after the other with Enter", async ({ tasks, api }) => {
    await expect(tasks.page.getByRole("heading", { name: "A clean slate" })).toBeVisible();
    await tasks.add("Buy milk", "Water the plants", "Call Ada");
    await expect(tasks.composer).toBeFocused();
    await expect(tasks.composer).toHaveValue("");
    await tasks.expectTitles("Call Ada", "Water the plants", "Buy milk");
    await tasks.expectCounts(3, 3, 0);

    await tasks.page.reload();
    await tasks.expectTitles("Call Ada", "Water the plants", "Buy milk");
    expect((await api.tasks()).map(({ title }) => title)).toEqual(["Call Ada", "Water the plants", "Buy milk"]);
  });

  test("adds a description", async ({ tasks, page, api }) => {
    await tasks.composer.fill("  Buy milk ");
    await page.getByRole("button", { name: "Add a description" }).click();
    const description = page.getByRole("textbox", { name: "Description (optional)" });
    await expect(description).toBeFocused();
    await description.pressSequentially("Two litres,");
    await description.press("Shift+Enter");
    await description.pressSequentially("fresh");
    await description.press("Enter");
    await expect(tasks.row("Buy milk")).toContainText("Two litres, fresh");
    await expect(tasks.row("Buy milk")).not.toHaveAttribute("aria-busy");
    await expect.poll(api.tasks).toMatchObject([{ title: "Buy milk", description: "Two litres,\nfresh" }]);
  });

  test("shows what is invalid in a title, and keeps the title", async ({ tasks, page, api }) => {
    await tasks.composer.press("Enter");
    await expect(tasks.composer).toHaveAccessibleDescription(/1 to 200 characters/);
    await tasks.composer.fill("A".repeat(201));
    await expect(tasks.composer).not.toHaveAttribute("aria-invalid");
    await page.getByRole("button", { name: "Add", exact: true }).click();
    await expect(tasks.composer).toHaveAccessibleDescription(/1 to 200 characters/);
    await expect(tasks.composer).toHaveValue("A".repeat(201));
    expect(await api.tasks()).toEqual([]);
  });

  test("does not render HTML in a title", async ({ tasks }) => {
    const title = `<img src=x onerror="alert(1)"> & 'quotes' 日本語 🦀`;
    await tasks.add(title);
    await tasks.expectTitles(title);
  });
});

test.describe("editing in place", () => {
  test.beforeEach(async ({ api }) => void (await api.addTasks({ title: "Buy milk", description: "Two litres" })));

  test("saves title and description with Enter", async ({ tasks, api }) => {
    const editor = await tasks.edit("Buy milk", { title: "Buy oat milk", description: "Three litres" });
    await editor.getByLabel("Description").press("Enter");
    await expect(editor).toBeHidden();
    await expect(tasks.title("Buy oat milk")).toBeFocused();
    await expect(tasks.row("Buy oat milk")).toContainText("Three litres");
    await expect.poll(api.tasks).toMatchObject([{ title: "Buy oat milk", description: "Three litres" }]);
  });

  test("discards the change with Escape", async ({ tasks, api }) => {
    const editor = await tasks.edit("Buy milk", { title: "Buy nothing" });
    await editor.getByLabel("Title").press("Escape");
    await expect(tasks.title("Buy milk")).toBeFocused();
    expect(await api.tasks()).toMatchObject([{ title: "Buy milk", version: 1 }]);
  });

  test("clears a description", async ({ tasks, api }) => {
    const editor = await tasks.edit("Buy milk", { description: "" });
    await editor.getByRole("button", { name: "Save" }).click();
    await expect(tasks.row("Buy milk")).not.toContainText("Two litres");
    await expect.poll(api.tasks).toMatchObject([{ description: "" }]);
  });

  test("shows what is invalid, and stays open", async ({ tasks }) => {
    const editor = await tasks.edit("Buy milk", { title: "  " });
    await editor.getByLabel("Title").press("Enter");
    await expect(editor.getByLabel("Title")).toHaveAccessibleDescription(/1 to 200 characters/);
    await expect(editor.getByLabel("Title")).toBeFocused();
  });
});

test("completing and reopening moves a task between the filters", async ({ tasks, api }) => {
  await api.addTasks("Buy milk", "Call Ada");
  await tasks.completeTask("Buy milk");
  await tasks.expectCounts(2, 1, 1);
  await expect
    .poll(async () => (await api.tasks()).find(({ title }) => title === "Buy milk")?.completed_at)
    .toBeTruthy();

  await tasks.filter("Completed").click();
  await tasks.expectTitles("Buy milk");
  await tasks.complete("Buy milk").click();
  await expect(tasks.page.getByRole("heading", { name: "Nothing completed yet" })).toBeVisible();
  await tasks.expectCounts(2, 2, 0);

  await tasks.filter("Pending").click();
  await tasks.complete("Buy milk").click();
  await tasks.expectTitles("Call Ada");
  await tasks.complete("Call Ada").click();
  await expect(tasks.page.getByRole("heading", { name: "All done" })).toBeVisible();
});

test.describe("deleting", () => {
  test("can be undone without a loss", async ({ tasks, api }) => {
    const [task] = await api.addTasks({ title: "Buy milk", description: "Two litres" }, "Call Ada");
    await tasks.row("Buy milk").hover();
    await tasks.delete("Buy milk").click();
    await tasks.expectTitles("Call Ada");
    await tasks.expectCounts(1, 1, 0);
    await tasks.notification("Deleted “Buy milk”").getByRole("button", { name: "Undo" }).click();
    await tasks.expectTitles("Call Ada", "Buy milk");
    await tasks.expectCounts(2, 2, 0);
    await expect(tasks.row("Buy milk")).toContainText("Two litres");
    await expect.poll(async () => (await api.tasks())[1]?.id).toBe(task?.id);
  });

  test("and undo are kept after a reload and shown in another tab", async ({ tasks, api, context }) => {
    await api.addTasks("Buy milk", "Call Ada");
    await expect(tasks.title("Call Ada")).toBeVisible();
    const other = new TasksPage(await context.newPage());
    await other.open();

    await tasks.row("Buy milk").hover();
    await tasks.delete("Buy milk").click();
    await other.expectTitles("Call Ada");
    await other.page.reload();
    await other.expectTitles("Call Ada");
    await tasks.notification("Deleted “Buy milk”").getByRole("button", { name: "Undo" }).click();
    await other.expectTitles("Call Ada", "Buy milk");
    await tasks.page.reload();
    await tasks.expectTitles("Call Ada", "Buy milk");
  });
});

test.describe("several tasks", () => {
  test.beforeEach(async ({ api }) => void (await api.addTasks("One", "Two", "Three", "Four", "Five")));

  test("shift-click selects everything between", async ({ tasks }) => {
    await tasks.row("Four").hover();
    await tasks.select("Four").click();
    await tasks.select("Two").click({ modifiers: ["Shift"] });
    await expect(tasks.selectionBar).toContainText("3 selected");
    for (const title of ["Four", "Three", "Two"]) await expect(tasks.select(title)).toBeChecked();
    for (const title of ["Five", "One"]) await expect(tasks.select(title)).not.toBeChecked();
    await expect(tasks.selectAll).toHaveJSProperty("indeterminate", true);

    await tasks.bulk("Complete").click();
    await expect(tasks.selectionBar).toBeHidden();
    await tasks.expectCounts(5, 2, 3);
    await tasks.notification("Completed 3 tasks").getByRole("button", { name: "Undo" }).click();
    await tasks.expectCounts(5, 5, 0);
  });

  test("all are completed and reopened", async ({ tasks, api }) => {
    await tasks.selectAll.check();
    await tasks.bulk("Complete").click();
    await tasks.expectCounts(5, 0, 5);
    await tasks.selectAll.check();
    await tasks.bulk("Reopen").click();
    await tasks.expectCounts(5, 5, 0);
    await expect.poll(async () => (await api.tasks()).every(({ status }) => status === "pending")).toBe(true);
  });

  test("all are deleted, and restored with undo", async ({ tasks, api }) => {
    await tasks.selectAll.check();
    await tasks.bulk("Delete").click();
    await expect(tasks.page.getByRole("heading", { name: "A clean slate" })).toBeVisible();
    await expect.poll(api.tasks).toEqual([]);
    await tasks.notification("Deleted 5 tasks").getByRole("button", { name: "Undo" }).click();
    await tasks.expectTitles("Five", "Four", "Three", "Two", "One");
    await tasks.expectCounts(5, 5, 0);
    await tasks.page.reload();
    await tasks.expectTitles("Five", "Four", "Three", "Two", "One");
  });

  test("Escape clears the selection", async ({ tasks, page }) => {
    await tasks.selectAll.check();
    await expect(tasks.selectionBar).toContainText("5 selected");
    await page.keyboard.press("Escape");
    await expect(tasks.selectionBar).toBeHidden();
  });
});
