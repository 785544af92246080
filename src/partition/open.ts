// Opening a partition, as an author calls it. Until then nothing of hotadd runs, reads or holds anything, and
// what it takes to sense and to plan is not even loaded: importing this file costs next to nothing
// (bench/import.bench.ts).
import type { Clock } from '../core/clock.ts';
import type { Machine } from '../core/machine.ts';
import type { PhysicalMemory } from '../core/memory.ts';
import type { Outcome } from '../core/outcome.ts';
import type { Amount } from '../core/registry.ts';
import type { Survey } from '../core/survey.ts';
import type { OnlineWord } from '../operations/block-state.ts';
import type { Journal } from './journal.ts';
import type { Partition } from './partition.ts';

export interface OpenOptions {
  /** `self` (the cgroup of this process; the default), `machine`, `cgroup:/path`, `pid:N` or `unit:NAME`. */
  readonly partition?: string;
  /** False, the default: plan and report, touch nothing. True: resize; one planner at a time may (E6). */
  readonly apply?: boolean;
  /**
   * Set aside for what hotadd does not manage: bytes or a share of usable. Default: 20 %, at least 64 MiB.
   */
  readonly reserve?: Amount;
  /**
   * How many processes open this partition with this same option, such as the workers of a cluster: each
   * plans for an even share of the room and for its own drivers, and one of them holds the lock for all.
   * Shares and bytes of `max` and `min` are then those of one process, `reserve` is that of all. Default: 1.
   */
  readonly processes?: number;
  /** What the holder of the lock is called. */
  readonly program?: string;
  readonly onOutcome?: (outcome: Outcome) => void;
  readonly onMemory?: (memory: PhysicalMemory) => void;
  /**
   * How a planned change brings memory blocks online, in the kernel's words. Default: as the kernel
   * does by itself (`auto_online_blocks`), or `online` where it does nothing.
   */
  readonly online?: OnlineWord;
  /** Told of each look, at a change and every few seconds between: drivers as they read, and the plan. */
  readonly onLook?: (look: Survey) => void;
  /** The machine to read; default: this one. */
  readonly machine?: Machine;
  /** Folder that holds a captured machine, read instead of this one (S7). */
  readonly root?: string;
  readonly clock?: Clock;
  /** Opened once the partition is held: who remembers changes, and what is remembered of drivers. */
  readonly journal?: () => Promise<Journal>;
  /** Folder for the lock where the system has no abstract sockets. */
  readonly lockFolder?: string;
}

export type { Journal } from './journal.ts';

/**
 * Opens the partition that software runs in.
 * @throws HotaddError HOTADD_NO_PARTITION, HOTADD_GONE, HOTADD_BAD_USAGE; HOTADD_BUSY when `apply` is set and
 * another planner holds the partition.
 */
export async function openPartition(options: OpenOptions = {}): Promise<Partition> {
  const { open } = await import('./opening.ts');
  return open(options);
}
