import { expect, it } from "vitest";
import { turnAnnouncement } from "@/lib/chat/announcement";
import { message, thread, tool, user } from "./builders";

it("has the answer without its Markdown", () => {
  const text =
    "## Today\n\n- **Buy** `milk`\n- [x] See [the shop](https://example.com)\n\n| a | b |\n|---|---|\n| 1 | 2 |";
  expect(turnAnnouncement(thread([user(1, "Hi"), message(2, { text })]))).toBe("Today Buy milk See the shop a b 1 2");
});

it("names the changes if there is no text, and what awaits confirmation", () => {
  const task = { id: "1", title: "Buy milk" };
  const done = tool(2, { name: "complete_task", result: { task } });
  expect(turnAnnouncement(thread([user(1, "Hi"), done]))).toBe("Completed Buy milk");
  const awaiting = tool(2, { name: "delete_task" }, "awaiting");
  expect(turnAnnouncement(thread([user(1, "Hi"), awaiting]))).toContain("wants to delete 1 task and waits");
});

it("covers only the last turn and has a maximum length", () => {
  const announcement = turnAnnouncement(
    thread([user(1, "Hi"), message(2, { text: "First" }), user(3, "And?"), message(4, { text: "x ".repeat(2000) })]),
  );
  expect(announcement).not.toContain("First");
  expect(announcement.length).toBeLessThan(700);
});
