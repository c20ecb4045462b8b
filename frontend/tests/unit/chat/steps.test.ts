import { describe, expect, it } from "vitest";
import type { ChatMessage, ToolUse } from "@/lib/api/types";
import { describeConfirmation, describeStep } from "@/lib/chat/steps";
import { collectTaskTitles } from "@/lib/chat/turns";
import { tool } from "./builders";

const ID = "0198c0de-0000-7000-8000-000000000001";
const milk = { id: ID, title: "Buy milk" };
const target = { ...milk, version: 1 };

function describeTool(use: Partial<ToolUse>, status: ChatMessage["status"] = "done") {
  const { text, task, detail } = describeStep(tool(1, use, status), new Map([[ID, "Buy milk"]]));
  return [text, task?.title, detail].filter(Boolean).join(" | ");
}

describe("describeStep", () => {
  it.each<[string, Partial<ToolUse>, ChatMessage["status"]]>([
    ["Adding | Buy milk", { name: "add_task", arguments: { title: "Buy milk" } }, "running"],
    ["Added | Buy milk", { name: "add_task", arguments: { title: "x" }, result: { task: milk } }, "done"],
    ["Completed | Buy milk", { name: "complete_task", arguments: { task: "milk" }, result: { task: milk } }, "done"],
    ["Wants to delete | Buy milk", { name: "delete_task", arguments: { task: ID } }, "awaiting"],
    ["Wants to delete | Buy milk", { name: "delete_task", arguments: { task: "milk" }, target }, "awaiting"],
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
    expect(describeTool(use, status)).toBe(expected);
  });

  it("shows why a tool failed", () => {
    const result = { error: "ambiguous", detail: "Several tasks fit." };
    expect(describeTool({ name: "complete_task", arguments: { task: "milk" }, result }, "failed")).toBe(
      "Could not complete | milk | Several tasks fit.",
    );
  });

  it("shows the new texts that await confirmation", () => {
    const change = { task: ID, title: "Sell milk", description: "" };
    expect(describeTool({ name: "update_task", arguments: change }, "awaiting")).toBe(
      "Wants to change | Buy milk | New title: “Sell milk”. Without a description.",
    );
    const task = { title: "Sell milk", description: "At the market" };
    expect(describeTool({ name: "add_task", arguments: task }, "awaiting")).toBe(
      "Wants to add | Sell milk | “At the market”",
    );
    expect(describeTool({ name: "add_task", arguments: { title: "Sell milk" } }, "awaiting")).toBe(
      "Wants to add | Sell milk",
    );
  });
});

describe("describeConfirmation", () => {
  it("counts the changes", () => {
    const deletion = tool(1, { name: "delete_task" }, "awaiting");
    expect(describeConfirmation([deletion])).toBe("delete 1 task");
    expect(describeConfirmation([deletion, deletion])).toBe("delete 2 tasks");
    expect(describeConfirmation([deletion, tool(2, { name: "update_task" }, "awaiting")])).toBe("make 2 changes");
  });
});

describe("collectTaskTitles", () => {
  it("collects the tasks of every kind of result", () => {
    const [a, b, c] = ["a", "b", "c"].map((id) => ({ id, title: id.toUpperCase() }));
    const results = [{ task: a }, { tasks: [b] }, { candidates: [c] }, { error: "not_found" }, null];
    expect([...collectTaskTitles(results.map((result, seq) => tool(seq, { result }))).keys()]).toEqual(["a", "b", "c"]);
  });
});
