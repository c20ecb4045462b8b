import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { taskKeys } from "@/lib/tasks/keys";
import { refreshCounts } from "@/lib/tasks/refresh";
import { inOrder, loaded } from "./builders";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

it("asks for the counts once, however much happens during a change", async () => {
  const client = loaded({ "": [inOrder("first")] });
  const invalidate = vi.spyOn(client, "invalidateQueries");
  let letGo = () => {};
  const held = new Promise<void>((resolve) => (letGo = resolve));
  const change = client
    .getMutationCache()
    .build(client, { mutationFn: () => held })
    .execute(undefined);
  for (let burst = 0; burst < 3; burst += 1) {
    refreshCounts(client);
    await vi.advanceTimersByTimeAsync(1_000);
  }
  expect(invalidate).not.toHaveBeenCalled();
  letGo();
  await change;
  await vi.advanceTimersByTimeAsync(1_000);
  expect(invalidate).toHaveBeenCalledOnce();
  expect(invalidate).toHaveBeenCalledWith({ queryKey: taskKeys.allCounts });
});
