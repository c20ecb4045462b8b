// @vitest-environment jsdom
import { cleanup, render, screen } from "@testing-library/react";
import { afterEach, describe, expect, it } from "vitest";
import Markdown from "@/components/chat/markdown";

const html = (text: string) => render(<Markdown text={text} />).container.innerHTML;

afterEach(cleanup);

describe("Markdown", () => {
  it("opens links in a new tab, without a referrer", () => {
    html("See [the docs](https://example.com/a?b=c)");
    const link = screen.getByRole("link");
    expect(link.getAttribute("href")).toBe("https://example.com/a?b=c");
    expect(link.getAttribute("target")).toBe("_blank");
    expect(link.getAttribute("rel")).toContain("noopener noreferrer");
  });

  it.each([
    "javascript:alert(1)",
    "data:text/html,x",
    "vbscript:x",
    "JaVaScRiPt:alert(1)",
    "java\u0001script:alert(1)",
  ])("does not link to %s", (address) => {
    expect(html(`[click](<${address}>)`)).not.toContain("href");
  });

  it.each([
    "<script>alert(1)</script>",
    '<img src=x onerror="alert(1)">',
    "<iframe src=https://example.com></iframe>",
    '<a href="https://example.com">x</a>',
    "<style>body{display:none}</style>",
    "![an image](https://example.com/pixel.png?q=secret)",
    "![a reference][image]\n\n[image]: https://example.com/pixel.png",
  ])("does not render %s as HTML", (text) => {
    expect(html(text)).not.toMatch(/<(script|img|iframe|style|a)\b/);
  });

  it("shows lists, tables, code and read-only checkboxes", () => {
    const shown = html("# Title\n\n- **one**\n- [x] two\n\n| a |\n|---|\n| b |\n\n```\ncode\n```");
    for (const tag of ["<ul", "<strong>one", "<table>", "<pre"]) expect(shown).toContain(tag);
    expect(shown).not.toMatch(/<(input|h1)/);
  });

  it("shows Markdown that is not complete yet", () => {
    expect(html("**bol")).toContain("**bol");
    expect(html("| a | b |\n|--")).toContain("| a | b |");
  });
});
