import { describe, expect, it } from "vitest";
import type { ChatMessage, ToolUse } from "@/lib/api/types";
import { confirmationWords, stepOf } from "@/lib/chat/steps";
import { knownTitles } from "@/lib/chat/turns";
import { tool } from "./builders";

const ID = "0198c0de-0000-7000-8000-000000000001";
const milk = { id: ID, title: "Buy milk" };

function words(use: Partial<ToolUse>, status: ChatMessage["status"] = "done") {
  const { text, task, detail } = stepOf(tool(1, use, status), new Map([[ID, "Buy milk"]]));
  return [text, task?.title, detail].filter(Boolean).join(" | ");
}

describe("stepOf", () => {
  it.each<[string, Partial<ToolUse>, ChatMessage["status"]]>([
    ["Adding | Buy milk", { name: "add_task", arguments: { title: "Buy milk" } }, "running"],
    ["Added | Buy milk", { name: "add_task", arguments: { title: "x" }, result: { task: milk } }, "done"],
    ["Completed | Buy milk", { name: "complete_task", arguments: { task: "milk" }, result: { task: milk } }, "done"],
    ["Wants to delete | Buy milk", { name: "delete_task", arguments: { task: ID } }, "awaiting"],
    ["Kept | Buy milk", { name: "delete_task", arguments: { task: ID } }, "declined"],
    ["Stopped deleting | Buy milk", { name: "delete_task", arguments: { task: ID } }, "cancelled"],
    ["Deleting a task", { name: "delete_task", arguments: { task: ID.replace("1", "2") } }, "running"],
    ["Reopened | Buy milk", { name: "update_task", arguments: { task: ID, status: "pending" } }, "done"],
    ["Changed | Buy milk", { name: "update_task", arguments: { task: ID, title: "x" } }, "done"],
    ["Looking at your tasks", {}, "running"],
    ["Looked at 2 tasks", { result: { tasks: [milk, milk] } }, "done"],
    ["Looked for “milk”: 1 task", { arguments: { q: "milk" }, result: { tasks: [milk] } }, "done"],
    ["Used water plants", { name: "water_plants" }, "done"],
  ])("%s", (expected, use, status) => {
    expect(words(use, status)).toBe(expected);
  });

  it("says why something was not done", () => {
    const result = { error: "ambiguous", detail: "Several tasks fit." };
    expect(words({ name: "complete_task", arguments: { task: "milk" }, result }, "failed")).toBe(
      "Could not complete | milk | Several tasks fit.",
    );
  });

  it("shows what is to be changed before it is allowed", () => {
    const change = { task: ID, title: "Sell milk", description: "" };
    expect(words({ name: "update_task", arguments: change }, "awaiting")).toBe(
      "Wants to change | Buy milk | New title: “Sell milk”. Without a description.",
    );
  });
});

describe("confirmationWords", () => {
  it("counts what waits", () => {
    const deletion = tool(1, { name: "delete_task" }, "awaiting");
    expect(confirmationWords([deletion])).toBe("delete 1 task");
    expect(confirmationWords([deletion, deletion])).toBe("delete 2 tasks");
    expect(confirmationWords([deletion, tool(2, { name: "update_task" }, "awaiting")])).toBe("make 2 changes");
  });
});

describe("knownTitles", () => {
  it("finds the tasks in every kind of result", () => {
    const [a, b, c] = ["a", "b", "c"].map((id) => ({ id, title: id.toUpperCase() }));
    const results = [{ task: a }, { tasks: [b] }, { candidates: [c] }, { error: "not_found" }, null];
    expect([...knownTitles(results.map((result, seq) => tool(seq, { result }))).keys()]).toEqual(["a", "b", "c"]);
  });
});
