import { readFile } from "node:fs/promises";
import type { Page } from "@playwright/test";
import { expect, test } from "./support/test";

const openMenu = (page: Page) => page.getByRole("button", { name: "Import and export" }).click();

async function chooseFile(page: Page, name: string, content: string) {
  const mimeType = name.endsWith(".csv") ? "text/csv" : "application/json";
  await page
    .getByRole("dialog")
    .getByLabel("File", { exact: true })
    .setInputFiles({ name, mimeType, buffer: Buffer.from(content) });
}

async function importFile(page: Page, name: string, content: string) {
  await openMenu(page);
  await page.getByRole("button", { name: "Import tasks…" }).click();
  await chooseFile(page, name, content);
  await page.getByRole("dialog").getByRole("button", { name: "Import" }).click();
}

for (const format of ["JSON", "CSV"] as const) {
  test(`an export as ${format} can be imported without a loss`, async ({ tasks, page, api }) => {
    const [done] = await api.addTasks(
      { title: 'Quotes ", commas, and 日本語', description: "two\nlines; =1+1" },
      { title: "-starts with a dash" },
    );
    await api.complete(done?.id ?? "");
    const text = (list: object[]) => list.map((task) => ({ ...task, id: "", version: 0 }));
    const before = await api.tasks();
    await expect(tasks.rows).toHaveCount(2);

    await openMenu(page);
    const downloading = page.waitForEvent("download");
    await page.getByRole("link", { name: `Export as ${format}` }).click();
    const download = await downloading;
    expect(download.suggestedFilename()).toMatch(new RegExp(`^.*\\.${format.toLowerCase()}$`));
    const content = await readFile(await download.path(), "utf8");

    await tasks.selectAll.check();
    await tasks.bulk("Delete").click();
    await expect(page.getByRole("heading", { name: "A clean slate" })).toBeVisible();
    await expect.poll(api.tasks).toEqual([]);
    await importFile(page, download.suggestedFilename(), content);
    await expect(tasks.notification("Imported 2 tasks")).toBeVisible();
    await expect(page.getByRole("dialog")).toBeHidden();
    await tasks.expectTitles("-starts with a dash", 'Quotes ", commas, and 日本語');
    expect(text(await api.tasks())).toEqual(text(before));
  });
}

test("a file with errors is not imported, each error has its line, and a corrected file can be chosen", async ({
  tasks,
  page,
  api,
  pageErrors,
}) => {
  pageErrors.allow(/status of 422 .*import/);
  await importFile(page, "tasks.csv", `title,status\nGood,pending\n"",pending\nBad,someday\n`);
  const dialog = page.getByRole("dialog");
  await expect(dialog.getByRole("alert")).toContainText("Nothing was imported");
  const lines = dialog.getByRole("row");
  await expect(lines.filter({ hasText: "title" })).toContainText("3");
  await expect(lines.filter({ hasText: "status" })).toContainText("4");
  expect(await api.tasks()).toEqual([]);

  await chooseFile(page, "tasks.csv", "title,status\nGood,pending\nBetter,completed\n");
  await expect(dialog.getByRole("alert")).toBeHidden();
  await dialog.getByRole("button", { name: "Import" }).click();
  await tasks.expectCounts(2, 1, 1);
});

test("a file that is not a list of tasks is refused with a message", async ({ page, tasks, pageErrors }) => {
  pageErrors.allow(/status of 4\d\d .*import/);
  await importFile(page, "tasks.json", "[{");
  const dialog = page.getByRole("dialog");
  await expect(dialog.getByRole("alert")).toContainText("not valid JSON");
  await chooseFile(page, "tasks.json", " ".repeat(5 * 1024 * 1024 + 1));
  await expect(dialog.getByLabel("File", { exact: true })).toHaveAccessibleDescription(/at most 5 MiB/);
  await dialog.getByRole("button", { name: "Cancel" }).click();
  await openMenu(page);
  await page.getByRole("button", { name: "Import tasks…" }).click();
  await dialog.getByRole("button", { name: "Import" }).click();
  await expect(dialog.getByLabel("File", { exact: true })).toHaveAccessibleDescription(/Choose a JSON or CSV file/);
  await page.keyboard.press("Escape");
  await expect(dialog).toBeHidden();
  await expect(tasks.page.getByRole("heading", { name: "A clean slate" })).toBeVisible();
});
