// @vitest-environment jsdom
import { cleanup, render, screen } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { afterEach, describe, expect, it, vi } from "vitest";
import { TaskEditor } from "@/components/tasks/task-editor";
import { task } from "../tasks/builders";

const base = task("Buy milk", { description: "two" });
const draft = { base, text: { title: base.title, description: base.description } };

function edit(change: Partial<Parameters<typeof TaskEditor>[0]> = {}) {
  const callbacks = { onSave: vi.fn(), onCancel: vi.fn() };
  render(<TaskEditor task={base} draft={draft} {...callbacks} {...change} />);
  return { ...callbacks, user: userEvent.setup(), title: screen.getByRole("textbox", { name: "Title" }) };
}

afterEach(cleanup);

describe("TaskEditor", () => {
  it("saves with Enter, also from the description", async () => {
    const { user, title, onSave } = edit();
    await user.clear(title);
    await user.type(title, "Buy oat milk{Enter}");
    expect(onSave).toHaveBeenCalledWith(base, { title: "Buy oat milk", description: "two" });
    await user.type(screen.getByRole("textbox", { name: "Description" }), "{Shift>}{Enter}{/Shift}litres{Enter}");
    expect(onSave).toHaveBeenLastCalledWith(base, { title: "Buy oat milk", description: "two\nlitres" });
  });

  it("cancels with Escape", async () => {
    const { user, title, onCancel } = edit();
    await user.type(title, "x{Escape}");
    expect(onCancel).toHaveBeenCalledOnce();
  });

  it("shows what is invalid and does not save", async () => {
    const { user, title, onSave } = edit();
    await user.clear(title);
    await user.keyboard("{Enter}");
    expect(screen.getByRole("alert").textContent).toBe("The title must be 1 to 200 characters.");
    expect(title.getAttribute("aria-invalid")).toBe("true");
    expect(onSave).not.toHaveBeenCalled();
  });

  it("asks which text to keep when another tab changed it", async () => {
    const theirs = { ...base, title: "Buy bread", version: 2 };
    const { user, title, onSave, onCancel } = edit({ task: theirs });
    expect(screen.getByRole("alert").textContent).toContain("Buy bread");
    await user.type(title, "{Enter}");
    expect(onSave).not.toHaveBeenCalled();
    await user.click(screen.getByRole("button", { name: "Keep mine" }));
    expect(onSave).toHaveBeenCalledWith(theirs, { title: "Buy milk", description: "two" });
    await user.click(screen.getByRole("button", { name: "Take theirs" }));
    expect(onCancel).toHaveBeenCalledOnce();
  });
});
