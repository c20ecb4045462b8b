import { AxeBuilder } from "@axe-core/playwright";
import { expect, type Page } from "@playwright/test";

const ALL_TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];

export async function expectAccessible(page: Page, part: "everything" | "colours" = "everything") {
  const axe = new AxeBuilder({ page });
  const { violations } = await (part === "colours"
    ? axe.withRules("color-contrast")
    : axe.withTags(ALL_TAGS)
  ).analyze();
  const summary = violations.map(({ id, help, nodes }) => ({
    id,
    help,
    nodes: nodes.map(({ html, failureSummary }) => [html, failureSummary]),
  }));
  expect(summary, "axe finds nothing").toEqual([]);
}

/** Expects that neither the page nor a part of it can be scrolled horizontally. */
export async function expectNoOverflow(page: Page) {
  const overflowing = await page.evaluate(() =>
    [...document.querySelectorAll("html, body *:not(input, textarea)")]
      .filter((element) => element.scrollWidth > element.clientWidth)
      .filter(
        (element) => element === document.documentElement || /auto|scroll/.test(getComputedStyle(element).overflowX),
      )
      .map((scroller) => {
        const edge = scroller.getBoundingClientRect().left + scroller.clientWidth;
        const overflow = [...scroller.querySelectorAll("*")].filter(
          (element) => element.getBoundingClientRect().right > edge,
        );
        return [scroller, ...overflow].map(({ outerHTML }) => outerHTML.slice(0, 150));
      }),
  );
  expect(overflowing, "nothing overflows to the right").toEqual([]);
}

/** Expects targets of at least 24 × 24 px (WCAG 2.2, 2.5.8). Only links in text are exempt. */
export async function expectLargeTargets(page: Page) {
  const small = await page.evaluate(() => {
    const MIN_SIZE_PX = 24;
    const targets = document.querySelectorAll<HTMLElement>(
      "a[href], button, input:not([type=hidden]), select, textarea, summary",
    );
    return [...targets]
      .filter(
        (element) => element.checkVisibility({ visibilityProperty: true }) && !element.closest("p, [inert], .sr-only"),
      )
      .map((element) => {
        // A label is part of the target of its control, and a pseudo-element can enlarge a target.
        const box = (element.closest("label") ?? element).getBoundingClientRect();
        const before = getComputedStyle(element, "::before");
        const enlarged = before.position === "absolute" ? element.parentElement?.getBoundingClientRect() : undefined;
        return {
          width: Math.round(Math.max(box.width, enlarged?.width ?? 0)),
          height: Math.round(Math.max(box.height, enlarged?.height ?? 0)),
          html: element.outerHTML.slice(0, 120),
        };
      })
      .filter(({ width, height }) => width > 1 && height > 1 && (width < MIN_SIZE_PX || height < MIN_SIZE_PX));
  });
  expect(small, "targets of at least 24 px").toEqual([]);
}
