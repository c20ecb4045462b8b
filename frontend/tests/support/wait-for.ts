/** Waits until a condition is true. The error after the timeout contains the description. */
export async function waitFor(description: string, condition: () => boolean, timeoutMs = 5_000): Promise<void> {
  const deadline = Date.now() + timeoutMs;
  while (!condition()) {
    if (Date.now() > deadline) throw new Error(`waited ${timeoutMs} ms in vain for ${description}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
