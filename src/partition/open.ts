// Opening a partition, as an author calls it. Until then nothing of hotadd runs, reads or holds anything, and
// what it takes to sense and to plan is not even loaded: importing this file costs next to nothing
// (bench/import.bench.ts).
import type { Clock } from '../core/clock.ts';
import type { Machine } from '../core/machine.ts';
import type { PhysicalMemory } from '../core/memory.ts';
import type { Outcome } from '../core/outcome.ts';
import type { PoolKind } from '../core/pool.ts';
import type { Amount } from '../core/registry.ts';
import type { Survey } from '../core/survey.ts';
import { checkOptions, checkSwitch, type KnownOptions } from '../core/usage-check.ts';
import type { OnlineWord } from '../operations/block-state.ts';
import type { Journal } from './journal.ts';
import type { Partition } from './partition.ts';

/** What to open, and whether to apply. Every option may be left out. */
export interface OpenOptions {
  /**
   * Whose memory: `self` (the cgroup of this process; in the root cgroup the machine), `machine`,
   * `cgroup:/path`, `pid:N` (the cgroup that process is in) or `unit:NAME` (of systemd). Default: `self`.
   */
  readonly partition?: string;
  /**
   * True: drivers are resized; one planner at a time may (E6). False: changes are planned and reported,
   * and nothing is touched. Default: false.
   */
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
  /** What another planner is told of who holds the partition. Default: the title of the process. */
  readonly program?: string;
  /** Told of each change after it has ended. What it throws is passed over. */
  readonly onOutcome?: (outcome: Outcome) => void;
  /** Told of memory at each reading of the loop: once a second, ten times a second while memory moves. */
  readonly onMemory?: (memory: PhysicalMemory) => void;
  /**
   * How a planned change brings memory blocks online, in the kernel's words: `online`, `online_kernel` or
   * `online_movable`. Default: as the kernel does by itself (`auto_online_blocks`), or `online` where it does
   * nothing.
   */
  readonly online?: OnlineWord;
  /**
   * Told of each look at the drivers, at a change and every few seconds between: as they read, and the
   * plan.
   */
  readonly onLook?: (look: Survey) => void;
  /** The machine to read, such as a `MachineSim`. Default: this one. */
  readonly machine?: Machine;
  /** Folder that holds a captured machine, read instead of this one (S7). */
  readonly root?: string;
  /** The time to go by, such as a `ClockSim`. Default: the real one. */
  readonly clock?: Clock;
  /**
   * Opened once the partition is held: who remembers changes, and what is remembered of drivers. Default:
   * in memory; the agent's is its history.
   */
  readonly journal?: () => Promise<Journal>;
  /**
   * Kinds of pool to look at. Default: every kind, in the partition that this process runs in (`self`);
   * elsewhere, and on a machine or root that is given, none.
   */
  readonly pools?: readonly PoolKind[];
  /**
   * Folder for the lock where the system has no abstract sockets. Default: one of this user's own among
   * the temporary files.
   */
  readonly lockFolder?: string;
}

const OPTIONS: KnownOptions<OpenOptions> = {
  partition: true,
  apply: true,
  reserve: true,
  processes: true,
  program: true,
  onOutcome: true,
  onMemory: true,
  online: true,
  onLook: true,
  machine: true,
  root: true,
  clock: true,
  journal: true,
  pools: true,
  lockFolder: true,
};

export type { Journal } from './journal.ts';

/**
 * Opens the memory that software runs in. When it rejects, nothing is left open.
 * @throws HotaddError HOTADD_NO_PARTITION, HOTADD_GONE, HOTADD_BAD_USAGE. With `apply` also HOTADD_BUSY when
 * another planner holds the partition, and HOTADD_UNSUPPORTED when nothing can be locked here.
 */
export async function openPartition(options: OpenOptions = {}): Promise<Partition> {
  checkOptions('openPartition', options, OPTIONS);
  checkSwitch('apply', options.apply);
  const loading = import('./opening.ts');
  options.clock?.during?.(loading);
  const { open } = await loading;
  return open(options);
}
