// A reading that may fail (S2). The last known value stays in its place and the failure is named; "could not
// be read" never turns into "no limit" or 0.
import { codeOf, messageOf } from '../core/errors.ts';
import type { StaleReading } from '../core/memory.ts';

export class Kept<T> {
  #last: T | null = null;

  /** What the kernel says now, or what it said last; `null` when it never said anything. */
  take(reading: string, read: () => T, stale: StaleReading[]): T | null {
    try {
      this.#last = read();
    } catch (thrown) {
      stale.push({ reading, error: messageOf(thrown) });
    }
    return this.#last;
  }

  /**
   * For what a machine may simply not have (NUMA, pressure): then it is not known, and nothing is stale. It
   * is stale only when it has been known before, so that a file that is closed to us does not hold back
   * growth for ever.
   */
  takeIfAny(reading: string, read: () => T, stale: StaleReading[]): T | null {
    try {
      this.#last = read();
    } catch (thrown) {
      if (isAbsent(thrown)) this.#last = null;
      else if (this.#last !== null) stale.push({ reading, error: messageOf(thrown) });
    }
    return this.#last;
  }
}

/** ENODEV: the cgroup or block behind an open file is gone. */
export function isGone(thrown: unknown): boolean {
  const code = codeOf(thrown);
  return code === 'ENOENT' || code === 'ENODEV';
}

/** EOPNOTSUPP: pressure is compiled in and switched off (psi=0). */
export function isAbsent(thrown: unknown): boolean {
  const code = codeOf(thrown);
  return code === 'ENOENT' || code === 'ENODEV' || code === 'EOPNOTSUPP' || code === 'ENOTSUP';
}
