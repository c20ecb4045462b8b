import { afterEach, beforeEach, expect, it, vi } from "vitest";
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
