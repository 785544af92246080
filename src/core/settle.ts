// When is a movement of memory a change? A limit never settles: one write is one fact. What modules do
// arrives in steps and may come back, so it must be quiet first (S4). Time comes in as a number.
import { headroomBytes, type PhysicalMemory } from './memory.ts';
import { DEAD_BAND } from './plan.ts';

/** A 2 GiB DIMM comes online in 16 steps. */
const GROWTH_QUIET_MS = 250;
/** A refused unplug takes memory and gives it back. */
const FALL_QUIET_MS = 1_000;
const LONGEST_MS = 5_000;

export type Settled =
  /** A change: it is to be planned for now. */
  | { readonly due: true; readonly cause: string }
  /** Nothing yet; look again after so long. `null`: nothing moves. */
  | { readonly due: false; readonly againInMs: number | null };

/** Nothing moves that would be a change. */
export const STILL: Settled = { due: false, againInMs: null };

export class Settler {
  readonly #cpus: number;
  #moving: { sinceMs: number; lastMs: number; usableBytes: number } | null = null;
  /** The limits as they were when memory was last as planned for, or one of them was last due. */
  #limits: ReadonlyMap<string, string> = new Map();

  constructor(cpus: number) {
    this.#cpus = cpus;
  }

  /** @param plannedForBytes usable memory that was last planned for; `null`: nothing has been planned yet. */
  look(memory: PhysicalMemory, plannedForBytes: number | null, nowMs: number): Settled {
    const { usableBytes } = memory;
    if (usableBytes === null || memory.gone) return STILL;
    if (plannedForBytes === null || usableBytes === plannedForBytes) {
      this.#limits = limitsOf(memory);
      this.#moving = null;
      return STILL;
    }
    const grows = usableBytes > plannedForBytes;
    if (grows && usableBytes - plannedForBytes < plannedForBytes * DEAD_BAND) {
      this.#moving = null;
      return STILL;
    }
    const limit = this.#movedLimit(memory, grows);
    if (limit !== null) {
      // It is one fact: what the modules of the machine do meanwhile still settles.
      this.#limits = limitsOf(memory);
      return this.#due(limit);
    }
    const fits =
      (memory.levels.at(-1)?.usedBytes ?? usableBytes) + headroomBytes(usableBytes, this.#cpus) <=
      usableBytes;
    if (!grows && !fits) return this.#due('MemTotal');
    return this.#wait(usableBytes, grows ? GROWTH_QUIET_MS : FALL_QUIET_MS, nowMs);
  }

  #wait(usableBytes: number, quietMs: number, nowMs: number): Settled {
    if (this.#moving?.usableBytes !== usableBytes) {
      this.#moving = { sinceMs: this.#moving?.sinceMs ?? nowMs, lastMs: nowMs, usableBytes };
    }
    const dueMs = Math.min(this.#moving.lastMs + quietMs, this.#moving.sinceMs + LONGEST_MS);
    return nowMs >= dueMs ? this.#due('MemTotal') : { due: false, againInMs: dueMs - nowMs };
  }

  #due(cause: string): Settled {
    this.#moving = null;
    return { due: true, cause };
  }

  /**
   * The lowest level whose limit is not what it was when memory was last planned for, and which of its files
   * moved: the one that binds now when memory falls, and when it grows the one that bound before.
   */
  #movedLimit(memory: PhysicalMemory, grows: boolean): string | null {
    const before = this.#limits;
    for (const [name, limit] of limitsOf(memory)) {
      const was = before.get(name);
      if (was !== limit) return `${fileOf(grows ? (was ?? limit) : limit)} of ${name}`;
    }
    return null;
  }
}

function fileOf(limit: string): string {
  return limit.slice(0, limit.indexOf(' '));
}

/** The limits of cgroups: the machine's own memory is not one. */
function limitsOf(memory: PhysicalMemory): Map<string, string> {
  return new Map(
    memory.levels.slice(0, -1).map(({ name, file, limitBytes }) => [name, `${file} ${limitBytes}`]),
  );
}
