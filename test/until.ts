// Waiting for a condition, never for a time.

/** Resolves with the first true value; rejects naming what did not come true. */
export async function until<Value>(
  condition: () => Value | Promise<Value>,
  what: string,
  withinMs = 20_000,
): Promise<Exclude<Value, false | null | undefined>> {
  const giveUpAt = performance.now() + withinMs;
  for (;;) {
    const value = await condition();
    if (value !== false && value !== null && value !== undefined)
      return value as Exclude<Value, false | null | undefined>;
    if (performance.now() > giveUpAt) throw new Error(`not within ${withinMs} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
