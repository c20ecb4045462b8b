import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { goToSignInAfter } from "@/lib/navigation";
import { taskKeys } from "@/lib/tasks/keys";
import { refreshCounts } from "@/lib/tasks/refresh";
import { inOrder, loadedClient, startMutation } from "./builders";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

it("fetches the counts once, however many changes there are during a mutation", async () => {
  const client = loadedClient({ "": [inOrder("first")] });
  const invalidate = vi.spyOn(client, "invalidateQueries");
  const finish = startMutation(client);
  for (let burst = 0; burst < 3; burst += 1) {
    refreshCounts(client);
    await vi.advanceTimersByTimeAsync(1_000);
  }
  expect(invalidate).not.toHaveBeenCalled();
  await finish();
  await vi.advanceTimersByTimeAsync(1_000);
  expect(invalidate).toHaveBeenCalledOnce();
  expect(invalidate).toHaveBeenCalledWith({ queryKey: taskKeys.allCounts });
});

it("sends nothing while the user signs out", async () => {
  const client = loadedClient({ "": [inOrder("first")] });
  const invalidate = vi.spyOn(client, "invalidateQueries");
  let fail = (_: Error) => {};
  const signOut = goToSignInAfter(() => new Promise((_, reject) => (fail = reject)));
  refreshCounts(client);
  await vi.advanceTimersByTimeAsync(1_000);
  expect(invalidate).not.toHaveBeenCalled();

  fail(new Error("offline"));
  await expect(signOut).rejects.toThrow("offline");
  refreshCounts(client);
  await vi.advanceTimersByTimeAsync(1_000);
  expect(invalidate).toHaveBeenCalledOnce();
});
