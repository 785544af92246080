// A pool: memory or a limit that was sized once, at start, and has stayed since (section 7). It takes no
// budget and gives none back, so it is told apart: in its own unit, never summed with bytes of a driver.
import { formatBytes } from './bytes.ts';
import type { Machine } from './machine.ts';
import type { PhysicalMemory } from './memory.ts';

/** What was sized at start and has stayed since, as it is now. Never summed with bytes of drivers. */
export interface Pool {
  /** What it is, for people: `node heap`. Unique among the pools of a partition. */
  readonly name: string;
  /** Who has it: `pid 412`, `thread 3 of pid 412`, `kernel`. */
  readonly owner: string;
  /** What the amounts count. */
  readonly unit: PoolUnit;
  /** Its size now; `null`: not known. */
  readonly now: number | null;
  /** What it would be if it were sized now, by the rule of who sizes it; `null`: not known. */
  readonly ifStartedNow: {
    readonly amount: number;
    /** False: the rule also looks at what cannot be known here, such as memory that is free at boot. */
    readonly exact: boolean;
  } | null;
  /** How much larger it would be if it were sized now; 0: no larger. `null`: not known. */
  readonly shortBy: number | null;
  /** What made it as large as it is: `its start`, or the setting that says so. */
  readonly fixedBy: string;
  /** `live`: by a command, `restart`: of its owner, `reboot`: of the machine. */
  readonly changes: 'live' | 'restart' | 'reboot';
  /** What makes it the size that memory allows now. A sentence. */
  readonly mend: string;
  /** How to leave room at the next start, so that it can grow later. A sentence. */
  readonly reserve: string;
}

/** What amounts of a pool count. */
export type PoolUnit = 'bytes' | 'entries';

/** One kind of pool: a line in src/pools/list.ts. */
export interface PoolKind {
  /** Its name in reports and documents: `node-heap`. */
  readonly kind: string;
  /** What it tells of, in one line. */
  readonly summary: string;
  /**
   * The pools of this kind as they are now. Cheap, changes nothing, never throws: what cannot be read is
   * `null`.
   */
  read(seen: PoolView): readonly Pool[];
}

/** What a kind looks at. */
export interface PoolView {
  /** The partition's memory at this moment. */
  readonly memory: PhysicalMemory;
  /** The machine to read. */
  readonly machine: Machine;
}

/** Below this share of itself a pool is not worth calling short. */
const WORTH_TELLING = 0.01;

/** For the report line: `node heap 1.02 GiB, 1 GiB short (its start)`; `null`: it is not short. */
export function sayShort({ name, unit, now, shortBy, fixedBy }: Pool): string | null {
  if (now === null || shortBy === null || shortBy <= now * WORTH_TELLING) return null;
  const say = (amount: number) => (unit === 'bytes' ? formatBytes(amount) : `${amount} ${unit}`);
  return `${name} ${say(now)}, ${say(shortBy)} short (${fixedBy})`;
}
