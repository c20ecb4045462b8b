/** Waits for a condition, and says what was awaited when it does not come true in time. */
export async function until(what: string, condition: () => boolean, limit = 5_000): Promise<void> {
  const end = Date.now() + limit;
  while (!condition()) {
    if (Date.now() > end) throw new Error(`waited ${limit} ms in vain for: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
