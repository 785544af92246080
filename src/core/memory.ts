// How much memory a partition has. Three numbers, never one: present, online, usable. Everything here is
// arithmetic on readings that sense/ has made.
import { KiB, MiB } from './bytes.ts';

/** The kernel's word for "no limit". Never a huge number; `null` always means not known. */
export type Limit = number | 'max';

/**
 * One place where memory is limited and counted: a cgroup from the partition's own upwards, and last the
 * machine itself. A driver of the partition counts at every level.
 */
export interface Level {
  /** The cgroup's path below its mount (`/app`), or `machine`. */
  readonly name: string;
  /** The tightest limit at this level; `null`: could not be read and was never known. */
  readonly limitBytes: Limit | null;
  /**
   * What says so: a control file (`memory.max`, `memory.high`, `memory.limit_in_bytes`), `MemTotal`, or
   * `os.totalmem()` where there is no /proc (S9).
   */
  readonly file: string;
  /** Real, non-reclaimable use at this level (F0); `null`: not known. */
  readonly usedBytes: number | null;
}

/** One NUMA node. */
export interface NodeMemory {
  /** The kernel's number of it. */
  readonly node: number;
  /** Bytes the kernel manages on this node now; `null`: not known. */
  readonly onlineBytes: number | null;
  /** The part that only movable pages can use: it cannot hold kernel data (S6). */
  readonly movableBytes: number | null;
}

/** The kernel's units of online and offline. */
export interface MemoryBlocks {
  /** Bytes of one block. */
  readonly sizeBytes: number;
  /** Bytes in blocks that are online. */
  readonly onlineBytes: number;
  /** Bytes in blocks that are there and not online: nobody can use them. */
  readonly offlineBytes: number;
}

/** A reading that could not be had; the last known value stays in its place (S2). */
export interface StaleReading {
  /** The file, or what was looked for. */
  readonly reading: string;
  /** Why it could not be had. */
  readonly error: string;
}

/** Stalls on memory. Pressure is no change of memory: it holds back growth and is reported (S10). */
export interface Pressure {
  /** Share of the last 10 s in which some tasks stalled on memory; percent. `null`: not known. */
  readonly someAvg10: number | null;
  /** The same for all tasks at once; from 5 nothing grows. `null`: not known. */
  readonly fullAvg10: number | null;
  /** OOM kills counted by the kernel in the partition since it was made. */
  readonly oomKills: number | null;
}

/** Memory of a partition at one moment, in bytes. Three numbers, never one: present, online, usable. */
export interface PhysicalMemory {
  /** `machine:<machine-id>`, `cgroup:<path>@<inode>`, `unit:<name>`. */
  readonly partition: string;
  /** Bytes in modules the platform shows, online or not; `null`: not known. */
  readonly presentBytes: number | null;
  /** Bytes the operating system manages now (MemTotal); `null`: not known. */
  readonly onlineBytes: number | null;
  /**
   * Bytes the software of this partition may use: the smallest of online and every visible limit (S1);
   * `null`: not known.
   */
  readonly usableBytes: number | null;
  /** What makes `usableBytes` what it is: a level of `levels`, and what says so; `null`: not known. */
  readonly boundBy: { readonly level: string; readonly file: string } | null;
  /** The partition's own level first, `machine` last. */
  readonly levels: readonly Level[];
  /** True when levels above may exist that cannot be seen from here: then usable is an upper bound. */
  readonly hiddenAncestors: boolean;
  /** Memory blocks of the machine; `null`: it has none, or does not tell. */
  readonly blocks: MemoryBlocks | null;
  /** Memory by NUMA node; `null`: the machine does not tell. */
  readonly nodes: readonly NodeMemory[] | null;
  /** Stalls and OOM kills; `null`: not known. */
  readonly pressure: Pressure | null;
  /**
   * Readings that could not be had. While there are any nothing grows, and no planned change begins (S2).
   */
  readonly stale: readonly StaleReading[];
  /** The cgroup of this partition does not exist any more; nothing is resized. */
  readonly gone: boolean;
}

const HEADROOM_SHARE = 0.03;
const HEADROOM_MIN_BYTES = 16 * MiB;
const HEADROOM_PER_CPU_BYTES = 256 * KiB;

/** Bytes kept free for what nobody planned (P3): max(3 % of usable, 16 MiB, 256 KiB x CPUs). */
export function headroomBytes(usableBytes: number, cpus: number): number {
  return Math.ceil(Math.max(usableBytes * HEADROOM_SHARE, HEADROOM_MIN_BYTES, cpus * HEADROOM_PER_CPU_BYTES));
}

/**
 * The smallest known limit over the levels, and the level that says so. `null` when a level is not known
 * (S2).
 */
export function usableOf(
  levels: readonly Level[],
): { bytes: number; boundBy: { level: string; file: string } } | null {
  let tightest: { bytes: number; boundBy: { level: string; file: string } } | null = null;
  for (const level of levels) {
    if (level.limitBytes === null) return null;
    if (level.limitBytes === 'max') continue;
    if (tightest === null || level.limitBytes < tightest.bytes) {
      tightest = { bytes: level.limitBytes, boundBy: { level: level.name, file: level.file } };
    }
  }
  return tightest;
}
