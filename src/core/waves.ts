// Many calls at once, begun in waves. Nobody waits for another: between two waves only what is ready goes on.
// What a call leaves behind (promises, closures) then dies young, where calls end at once, as those inside
// this process do; 100,000 begun in one go all live until the last, and to collect them costs more than the
// calls.
const WAVE = 32;

/** Begins all calls in order; resolves with their results when all have ended. They must not reject. */
export async function inWaves<Item, Result>(
  items: readonly Item[],
  begin: (item: Item) => Promise<Result>,
): Promise<Result[]> {
  const waves: Promise<Result[]>[] = [];
  for (let at = 0; at < items.length; at += WAVE) {
    if (at > 0) await null;
    waves.push(Promise.all(items.slice(at, at + WAVE).map(begin)));
  }
  return (await Promise.all(waves)).flat();
}
