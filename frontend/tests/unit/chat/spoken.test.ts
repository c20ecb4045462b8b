import { expect, it } from "vitest";
import { spoken } from "@/lib/chat/spoken";
import { message, thread, tool, user } from "./builders";

it("is the answer without its Markdown", () => {
  const text =
    "## Today\n\n- **Buy** `milk`\n- [x] See [the shop](https://example.com)\n\n| a | b |\n|---|---|\n| 1 | 2 |";
  expect(spoken(thread([user(1, "Hi"), message(2, { text })]))).toBe("Today Buy milk See the shop a b 1 2");
});

it("tells what was done where nothing was said, and what waits", () => {
  const task = { id: "1", title: "Buy milk" };
  const done = tool(2, { name: "complete_task", result: { task } });
  expect(spoken(thread([user(1, "Hi"), done]))).toBe("Completed Buy milk");
  const waiting = tool(2, { name: "delete_task" }, "awaiting");
  expect(spoken(thread([user(1, "Hi"), waiting]))).toContain("wants to delete 1 task and waits");
});

it("is only about the last turn, and not endless", () => {
  const words = spoken(
    thread([user(1, "Hi"), message(2, { text: "First" }), user(3, "And?"), message(4, { text: "x ".repeat(2000) })]),
  );
  expect(words).not.toContain("First");
  expect(words.length).toBeLessThan(700);
});
