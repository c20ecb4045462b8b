import type { Page } from "@playwright/test";
import { expect, test } from "./support/test";

const COUNT = 10_000;
/** The rows on a screen and some more, independent of the length of the list. */
const MAX_ROWS = 60;

/** Scrolls until the task at this position is in the document. Returns the maximum number of rows on the way. */
const scrollTo = (page: Page, position: number) =>
  page.evaluate(async (target) => {
    let maxRows = 0;
    let last = 0;
    while (last < target) {
      window.scrollTo({ top: document.documentElement.scrollHeight });
      await new Promise(requestAnimationFrame);
      const rows = [...document.querySelectorAll("[aria-posinset]")];
      maxRows = Math.max(maxRows, rows.length);
      last = Number(rows.at(-1)?.getAttribute("aria-posinset"));
    }
    return maxRows;
  }, position);

test("with 10,000 tasks, few rows are in the document, every task is reachable and typing is fast", async ({
  page,
  api,
  tasks,
}) => {
  await api.importTasks(COUNT);
  await tasks.open();
  await page.evaluate(() => {
    const durations: number[] = [];
    Object.assign(window, { longTasks: durations });
    new PerformanceObserver((list) => {
      for (const { duration } of list.getEntries()) durations.push(Math.round(duration));
    }).observe({ type: "longtask" });
  });
  await tasks.expectCounts(COUNT, COUNT, 0);
  await expect(tasks.rows.first()).toHaveAttribute("aria-setsize", String(COUNT));
  const maxRows = await scrollTo(page, COUNT);
  await expect(tasks.title("Task 10000")).toBeInViewport();
  expect(maxRows).toBeLessThan(MAX_ROWS);

  await page.evaluate(() => window.scrollTo({ top: 0 }));
  const text = "Typed with ten thousand tasks loaded";
  const start = Date.now();
  await tasks.composer.pressSequentially(text);
  await expect(tasks.composer).toHaveValue(text);
  const perKey = (Date.now() - start) / text.length;
  await tasks.composer.press("Enter");
  await expect(tasks.title(text)).toBeInViewport();
  await tasks.completeTask(text);
  expect(await tasks.rows.count()).toBeLessThan(MAX_ROWS);

  const longTasks = await page.evaluate(() => (window as unknown as { longTasks: number[] }).longTasks);
  console.log(
    `10,000 tasks: at most ${maxRows} rows, ${perKey.toFixed(1)} ms a key, ` +
      `${longTasks.length} tasks of the main thread over 50 ms, the longest ${Math.max(0, ...longTasks)} ms`,
  );
});

test("a bulk action on more tasks than one request allows leaves the rest of the list", async ({
  tasks,
  page,
  api,
}) => {
  await api.importTasks(COUNT / 10);
  await tasks.open();
  await scrollTo(page, 201);
  await tasks.selectAll.check();
  await expect(tasks.selectionBar).toContainText(/\d selected/);
  const selected = Number.parseInt((await tasks.selectionBar.textContent()) ?? "", 10);
  expect(selected).toBeGreaterThan(200);
  expect(selected).toBeLessThan(COUNT / 10);
  await tasks.bulk("Delete").click();
  const rest = COUNT / 10 - selected;
  await tasks.expectCounts(rest, rest, 0);
  await expect(tasks.rows.first()).toContainText(`Task 00${selected + 1}`);
  await tasks.notification(`Deleted ${selected} tasks`).getByRole("button", { name: "Undo" }).click();
  await tasks.expectCounts(COUNT / 10, COUNT / 10, 0);
  await expect(tasks.rows.first()).toContainText("Task 00001");
});
