import type { Page } from "@playwright/test";
import { expect, test } from "./support/test";

const COUNT = 10_000;
/** What a screen shows and a margin, not a share of the list. */
const MOST_ROWS = 60;

/** Scrolls until the task at this place of the list is there. Returns the most rows that were in the document. */
const scrollTo = (page: Page, place: number) =>
  page.evaluate(async (wanted) => {
    let most = 0;
    let last = 0;
    while (last < wanted) {
      window.scrollTo({ top: document.documentElement.scrollHeight });
      await new Promise(requestAnimationFrame);
      const rows = [...document.querySelectorAll("[aria-posinset]")];
      most = Math.max(most, rows.length);
      last = Number(rows.at(-1)?.getAttribute("aria-posinset"));
    }
    return most;
  }, place);

test("10,000 tasks: few rows in the document, down to the last one, and typing goes on", async ({
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
  const most = await scrollTo(page, COUNT);
  await expect(tasks.title("Task 10000")).toBeInViewport();
  expect(most).toBeLessThan(MOST_ROWS);

  await page.evaluate(() => window.scrollTo({ top: 0 }));
  const text = "Typed with ten thousand tasks loaded";
  const start = Date.now();
  await tasks.composer.pressSequentially(text);
  await expect(tasks.composer).toHaveValue(text);
  const perKey = (Date.now() - start) / text.length;
  await tasks.composer.press("Enter");
  await expect(tasks.title(text)).toBeInViewport();
  await tasks.tick(text);
  expect(await tasks.rows.count()).toBeLessThan(MOST_ROWS);

  const longTasks = await page.evaluate(() => (window as unknown as { longTasks: number[] }).longTasks);
  console.log(
    `10,000 tasks: at most ${most} rows, ${perKey.toFixed(1)} ms a key, ` +
      `${longTasks.length} tasks of the main thread over 50 ms, the longest ${Math.max(0, ...longTasks)} ms`,
  );
});

test("a bulk action over more tasks than one request takes leaves the rest of the list", async ({
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
  await tasks.notice(`Deleted ${selected} tasks`).getByRole("button", { name: "Undo" }).click();
  await tasks.expectCounts(COUNT / 10, COUNT / 10, 0);
  await expect(tasks.rows.first()).toContainText("Task 00001");
});
