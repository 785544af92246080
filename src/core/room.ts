// How much room is really there: what is in use beside the drivers, kept as the highest of the last 10
// minutes, and for how long room has been missing (P3). Time comes in as a number: nothing here has a clock.

const WINDOW_MS = 10 * 60_000;
const PRESSED_AFTER_MS = 60_000;

/** Highest value of the last 10 minutes, in O(1) per sample: a falling queue of candidates. */
export class HighestOf {
  #samples: { atMs: number; bytes: number }[] = [];

  add(atMs: number, bytes: number): void {
    while ((this.#samples.at(-1)?.bytes ?? Number.POSITIVE_INFINITY) <= bytes) this.#samples.pop();
    this.#samples.push({ atMs, bytes });
    this.#forget(atMs);
  }

  highest(atMs: number): number {
    this.#forget(atMs);
    return this.#samples[0]?.bytes ?? 0;
  }

  #forget(atMs: number): void {
    // The newest sample is kept however old it is: not measured lately does not mean nothing in use.
    while (this.#samples.length > 1 && (this.#samples[0]?.atMs ?? 0) < atMs - WINDOW_MS)
      this.#samples.shift();
  }
}

/** Unmanaged use at each level. */
export class Unmanaged {
  #levels = new Map<string, HighestOf>();
  #missingSinceMs: number | null = null;

  /** @param heldBytes what the drivers hold together at this moment. */
  sample(atMs: number, level: string, usedBytes: number, heldBytes: number): void {
    const window = this.#levels.get(level) ?? new HighestOf();
    this.#levels.set(level, window);
    window.add(atMs, Math.max(0, usedBytes - heldBytes));
  }

  at(atMs: number, level: string): number {
    return this.#levels.get(level)?.highest(atMs) ?? 0;
  }

  /** Told after each plan whether room is missing; true once it has been missing for 60 s. */
  missing(atMs: number, isMissing: boolean): boolean {
    if (!isMissing) this.#missingSinceMs = null;
    else this.#missingSinceMs ??= atMs;
    return this.#missingSinceMs !== null && atMs - this.#missingSinceMs >= PRESSED_AFTER_MS;
  }
}

/** What drivers hold together. Those inside one process hold at most what that process holds. */
export function heldTogether(
  drivers: readonly { heldBytes: number; process: string | null }[],
  processHeldBytes: (process: string) => number | null,
): number {
  const byProcess = new Map<string, number>();
  let total = 0;
  for (const driver of drivers) {
    if (driver.process === null) total += driver.heldBytes;
    else byProcess.set(driver.process, (byProcess.get(driver.process) ?? 0) + driver.heldBytes);
  }
  for (const [process, bytes] of byProcess) total += Math.min(bytes, processHeldBytes(process) ?? bytes);
  return total;
}
