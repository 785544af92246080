// Opening a partition: senses it, takes the lock if it is to apply, and starts the loop. Nothing in hotadd
// runs, reads or holds anything before this is called.
import type { Clock } from '../core/clock.ts';
import { HotaddError } from '../core/errors.ts';
import type { Lock } from '../core/lock.ts';
import type { Machine } from '../core/machine.ts';
import type { PhysicalMemory } from '../core/memory.ts';
import { Notifier } from '../core/notifier.ts';
import type { Outcome } from '../core/outcome.ts';
import { checkAmount } from '../core/policy-check.ts';
import { type Amount, Registry } from '../core/registry.ts';
import { Unmanaged } from '../core/room.ts';
import type { Survey } from '../core/survey.ts';
import { clockOs } from '../host/clock-os.ts';
import { machineOs } from '../host/machine-os.ts';
import type { OnlineWord } from '../operations/block-state.ts';
import { parsePartitionName } from '../sense/partition-name.ts';
import { parseHeld } from '../sense/process.ts';
import { openSensor, type Sensor } from '../sense/sensor.ts';
import { type Journal, memoryJournal } from './journal.ts';
import { Loop } from './loop.ts';
import { Operations } from './operations.ts';
import { Partition } from './partition.ts';

export interface OpenOptions {
  /** `self` (the cgroup of this process; the default), `machine`, `cgroup:/path`, `pid:N` or `unit:NAME`. */
  readonly partition?: string;
  /** False, the default: plan and report, touch nothing. True: resize; one planner at a time may (E6). */
  readonly apply?: boolean;
  /**
   * Set aside for what hotadd does not manage: bytes or a share of usable. Default: 20 %, at least 64 MiB.
   */
  readonly reserve?: Amount;
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
  if (options.reserve !== undefined) checkAmount('reserve', options.reserve);
  const machine = options.machine ?? machineOs(options.root === undefined ? {} : { root: options.root });
  const clock = options.clock ?? clockOs();
  const sensor = await openSensor({
    machine,
    clock,
    partition: parsePartitionName(options.partition ?? 'self'),
  });
  let lock: Lock | null = null;
  try {
    if (options.apply === true) lock = await takeLock(machine, sensor, options);
    const journal = (await options.journal?.()) ?? memoryJournal();
    return assemble({ machine, clock, sensor, lock, journal }, options);
  } catch (error) {
    sensor.close();
    await lock?.release();
    throw error;
  }
}

interface Opened {
  readonly machine: Machine;
  readonly clock: Clock;
  readonly sensor: Sensor;
  readonly lock: Lock | null;
  readonly journal: Journal;
}

function assemble({ machine, clock, sensor, lock, journal }: Opened, options: OpenOptions): Partition {
  const registry = new Registry(clock);
  const notifier = new Notifier({
    clock,
    registry,
    unmanaged: new Unmanaged(),
    cpus: sensor.cpus,
    reserve: options.reserve ?? null,
    apply: options.apply ?? false,
    sense: () => sensor.read(),
    selfHeldBytes: () => selfHeldBytes(machine),
    standing: journal.standing,
    recorder: journal.recorder ?? memoryJournal().recorder,
    ...(options.onOutcome === undefined ? {} : { onOutcome: options.onOutcome }),
    ...(options.onLook === undefined ? {} : { onLook: options.onLook }),
  });
  notifier.planFor(sensor.read());
  const { onMemory } = options;
  const loop = new Loop({ sensor, clock, notifier, ...(onMemory === undefined ? {} : { onMemory }) });
  const operations = new Operations({
    machine,
    clock,
    sensor,
    journal,
    onlineWord: options.online ?? null,
  });
  return new Partition({ machine, sensor, registry, notifier, loop, lock, operations });
}

async function takeLock(machine: Machine, sensor: Sensor, options: OpenOptions): Promise<Lock> {
  const lock = await machine.lock(sensor.identity, {
    ...(options.program === undefined ? {} : { program: options.program }),
    ...(options.lockFolder === undefined ? {} : { folder: options.lockFolder }),
  });
  if (!('heldBy' in lock)) return lock;
  const { program, pid, since } = lock.heldBy;
  const known = [program, pid && `pid ${pid}`, since && `since ${new Date(since).toISOString()}`];
  const who = known.filter(Boolean).join(', ');
  throw new HotaddError('HOTADD_BUSY', `${sensor.identity} is held by ${who}`, {
    mend: 'one planner applies at a time: stop that one, or open with apply: false to observe',
  });
}

function selfHeldBytes(machine: Machine): number | null {
  try {
    return parseHeld(machine.readText('/proc/self/status'));
  } catch {
    return null;
  }
}
