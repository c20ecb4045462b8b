import { AxeBuilder } from "@axe-core/playwright";
import { expect, type Page } from "@playwright/test";

const EVERYTHING = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];

export async function expectAccessible(page: Page, part: "everything" | "colours" = "everything") {
  const axe = new AxeBuilder({ page });
  const { violations } = await (part === "colours"
    ? axe.withRules("color-contrast")
    : axe.withTags(EVERYTHING)
  ).analyze();
  const told = violations.map(({ id, help, nodes }) => ({
    id,
    help,
    nodes: nodes.map(({ html, failureSummary }) => [html, failureSummary]),
  }));
  expect(told, "axe finds nothing").toEqual([]);
}

/** Nothing can be scrolled sideways, neither the page nor a part of it. */
export async function expectNoOverflow(page: Page) {
  const sideways = await page.evaluate(() =>
    [...document.querySelectorAll("html, body *:not(input, textarea)")]
      .filter((element) => element.scrollWidth > element.clientWidth)
      .filter(
        (element) => element === document.documentElement || /auto|scroll/.test(getComputedStyle(element).overflowX),
      )
      .map((scroller) => {
        const edge = scroller.getBoundingClientRect().left + scroller.clientWidth;
        const beyond = [...scroller.querySelectorAll("*")].filter(
          (element) => element.getBoundingClientRect().right > edge,
        );
        return [scroller, ...beyond].map(({ outerHTML }) => outerHTML.slice(0, 150));
      }),
  );
  expect(sideways, "nothing sticks out to the right").toEqual([]);
}

/** WCAG 2.2, 2.5.8 without its exceptions but for links in text: every target is at least 24 × 24 px. */
export async function expectLargeTargets(page: Page) {
  const small = await page.evaluate(() => {
    const SIZE = 24;
    const targets = document.querySelectorAll<HTMLElement>(
      "a[href], button, input:not([type=hidden]), select, textarea, summary",
    );
    return [...targets]
      .filter(
        (element) => element.checkVisibility({ visibilityProperty: true }) && !element.closest("p, [inert], .sr-only"),
      )
      .map((element) => {
        // What a finger meets: a label presses its control, and a pseudo-element can make a target larger than it looks.
        const box = (element.closest("label") ?? element).getBoundingClientRect();
        const before = getComputedStyle(element, "::before");
        const grown = before.position === "absolute" ? element.parentElement?.getBoundingClientRect() : undefined;
        return {
          width: Math.round(Math.max(box.width, grown?.width ?? 0)),
          height: Math.round(Math.max(box.height, grown?.height ?? 0)),
          html: element.outerHTML.slice(0, 120),
        };
      })
      .filter(({ width, height }) => width > 1 && height > 1 && (width < SIZE || height < SIZE));
  });
  expect(small, "targets of at least 24 px").toEqual([]);
}
