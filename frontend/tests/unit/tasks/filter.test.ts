import { describe, expect, it } from "vitest";
import { comparator, filterToSearch } from "@/lib/tasks/filter";
import { filter, inOrder, task } from "./builders";

describe("parseFilter", () => {
  it.each([
    ["", { status: "all", q: "", sort: "-created" }],
    ["status=pending&q=milk&sort=title", { status: "pending", q: "milk", sort: "title" }],
    ["status=done&sort=colour", { status: "all", q: "", sort: "-created" }],
    ["q=%20%20milk%00%20", { status: "all", q: "milk", sort: "-created" }],
    [`q=${"x".repeat(300)}`, { status: "all", q: "x".repeat(200), sort: "-created" }],
  ])("reads %j", (search, expected) => {
    expect(filter(search)).toEqual(expected);
  });
});

describe("filterToSearch", () => {
  it("leaves out what is the default", () => {
    expect(filterToSearch(filter(""))).toBe("");
  });

  it.each(["?status=pending", "?q=a%26b+c", "?status=completed&q=x&sort=-title"])(
    "is read back as it was: %s",
    (search) => {
      expect(filterToSearch(filter(search))).toBe(search);
    },
  );
});

describe("comparator", () => {
  it("orders times of different precision as times", () => {
    const earlier = task("a", { created_at: "2026-01-01T10:00:00.5Z" });
    const later = task("b", { created_at: "2026-01-01T10:00:00.55Z" });
    expect(comparator("created")(earlier, later)).toBeLessThan(0);
    expect(comparator("-created")(earlier, later)).toBeGreaterThan(0);
  });

  it("orders titles in any case", () => {
    const sorted = inOrder("banana", "Apple", "cherry").sort(comparator("title"));
    expect(sorted.map(({ title }) => title)).toEqual(["Apple", "banana", "cherry"]);
  });
});
