// @vitest-environment jsdom
import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { cleanup, render, screen } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { afterEach, describe, expect, it, vi } from "vitest";
import { Answer } from "@/components/chat/answer";
import { TurnEnd } from "@/components/chat/turn-end";
import * as api from "@/lib/api/chat";
import type { ChatMessage } from "@/lib/api/types";
import { message, thread, user } from "../chat/builders";

vi.mock("@/lib/api/chat", { spy: true });
vi.mock("@/lib/chat/panel", () => ({ openChat: () => {} }));

/** Shows the end of a conversation as it is after a reload. */
function showEnd(last: Partial<ChatMessage>) {
  vi.mocked(api.startTurn).mockReturnValue(new Promise(() => {}));
  render(
    <QueryClientProvider client={new QueryClient()}>
      <TurnEnd thread={thread([user(1, "Hello"), message(2, last)])} />
    </QueryClientProvider>,
  );
  return userEvent.setup();
}

afterEach(() => {
  cleanup();
  vi.resetAllMocks();
});

describe("TurnEnd", () => {
  it.each([
    ["length", "The answer was cut off", "Continue"],
    ["rounds", "as many steps as one answer may have", "Go on"],
    ["repeated", "for the third time", "Go on"],
  ] as const)("says why a turn ended early, and goes on (%s)", async (end_reason, text, goOn) => {
    const actor = showEnd({ end_reason });
    expect(screen.getByText(text, { exact: false })).toBeDefined();
    await actor.click(screen.getByRole("button", { name: goOn }));
    expect(vi.mocked(api.startTurn).mock.lastCall?.[0]).toMatchObject({ message: goOn });
  });

  it("offers to try again after a stop in the middle of a tool", () => {
    showEnd({ end_reason: "cancelled" });
    expect(screen.getByRole("button", { name: "Try again" })).toBeDefined();
  });

  it("says nothing after a whole answer", () => {
    showEnd({});
    expect(screen.queryByRole("button")).toBeNull();
  });
});

describe("Answer", () => {
  it("folds the thoughts away", () => {
    render(<Answer message={message(2, { text: "Hello", reasoning: "A greeting." })} last />);
    expect(screen.getByText("A greeting.").closest("details")?.open).toBe(false);
    expect(screen.getByText("Thoughts").closest("summary")).not.toBeNull();
  });

  it("says that an earlier answer was cut off", () => {
    render(<Answer message={message(2, { text: "Once", end_reason: "length" })} last={false} />);
    expect(screen.getByText("This answer was cut off.")).toBeDefined();
  });
});
