// What openPartition() does: senses the partition, takes the lock if it is to apply, and starts the loop.
import type { Clock } from '../core/clock.ts';
import { HotaddError } from '../core/errors.ts';
import type { Machine } from '../core/machine.ts';
import type { PhysicalMemory } from '../core/memory.ts';
import { Notifier } from '../core/notifier.ts';
import { checkAmount, checkProcesses } from '../core/policy-check.ts';
import type { Pool, PoolKind } from '../core/pool.ts';
import { Registry } from '../core/registry.ts';
import { Unmanaged } from '../core/room.ts';
import { clockOs } from '../host/clock-os.ts';
import { machineOs } from '../host/machine-os.ts';
import { POOLS } from '../pools/list.ts';
import { parsePartitionName } from '../sense/partition-name.ts';
import { parseHeld } from '../sense/process.ts';
import { openSensor, type Sensor } from '../sense/sensor.ts';
import { Hold } from './hold.ts';
import { type Journal, memoryJournal } from './journal.ts';
import { Loop } from './loop.ts';
import type { OpenOptions } from './open.ts';
import { Operations } from './operations.ts';
import { Partition } from './partition.ts';

/** Opens a partition as openPartition() describes it. */
export async function open(options: OpenOptions): Promise<Partition> {
  if (options.reserve !== undefined) checkAmount('reserve', options.reserve);
  if (options.processes !== undefined) checkProcesses(options.processes);
  const partition = parsePartitionName(String(options.partition ?? 'self'));
  const machine = options.machine ?? machineOs(options.root === undefined ? {} : { root: options.root });
  if (options.machine === undefined && options.root !== undefined) checkRoot(options.root, machine);
  const clock = options.clock ?? clockOs();
  // What has been opened, the newest last. A machine that was handed in is its owner's.
  const closers: (() => void | Promise<void>)[] = options.machine ? [] : [() => machine.close?.()];
  const closeAll = async () => {
    for (const close of closers.reverse()) await close();
  };
  try {
    const sensor = await openSensor({ machine, clock, partition });
    closers.push(() => sensor.close());
    const hold = options.apply === true ? await takeHold({ machine, clock, sensor }, options) : null;
    closers.push(() => hold?.release());
    const journal = (await options.journal?.()) ?? memoryJournal();
    return assemble({ machine, clock, sensor, hold, journal, closeAll }, options);
  } catch (error) {
    await closeAll();
    throw error;
  }
}

/** Below a folder that is not there every file is missing, which would be told as an odd machine. */
function checkRoot(root: string, machine: Machine): void {
  try {
    machine.list('/');
  } catch (cause) {
    const mend = 'give the folder of a captured machine';
    throw new HotaddError('HOTADD_BAD_USAGE', `there is no folder ${root}`, { place: 'root', mend, cause });
  }
}

interface Opened {
  readonly machine: Machine;
  readonly clock: Clock;
  readonly sensor: Sensor;
  readonly hold: Hold | null;
  readonly journal: Journal;
  closeAll(): Promise<void>;
}

function assemble(opened: Opened, options: OpenOptions): Partition {
  const { machine, clock, sensor, hold, journal, closeAll } = opened;
  const registry = new Registry(clock);
  const kinds = options.pools ?? defaultPools(options);
  const poolsIn = (memory: PhysicalMemory) =>
    kinds.flatMap((kind): readonly Pool[] => kind.read({ memory, machine }));
  const notifier = new Notifier({
    clock,
    registry,
    unmanaged: new Unmanaged(),
    cpus: sensor.cpus,
    processes: options.processes ?? 1,
    reserve: options.reserve ?? null,
    get apply() {
      return hold?.applies ?? false;
    },
    sense: () => sensor.read(),
    selfHeldBytes: () => selfHeldBytes(machine),
    pools: poolsIn,
    standing: journal.standing,
    recorder: journal.recorder ?? memoryJournal().recorder,
    onOutcome: unharmed(options.onOutcome),
    onLook: unharmed(options.onLook),
  });
  notifier.planFor(sensor.read());
  const loop = new Loop({ sensor, clock, notifier, onMemory: unharmed(options.onMemory) });
  const operations = new Operations({
    machine,
    clock,
    sensor,
    journal,
    onlineWord: options.online ?? null,
    processes: options.processes ?? 1,
  });
  const pools = () => poolsIn(sensor.read());
  return new Partition({ machine, sensor, registry, notifier, loop, operations, closeAll, pools });
}

function takeHold(parts: Pick<Opened, 'machine' | 'clock' | 'sensor'>, options: OpenOptions): Promise<Hold> {
  const { machine, clock, sensor } = parts;
  const request = {
    ...(options.program === undefined ? {} : { program: options.program }),
    ...(options.lockFolder === undefined ? {} : { folder: options.lockFolder }),
    ...(options.processes === undefined ? {} : { processes: options.processes }),
  };
  return Hold.take({ machine, clock, identity: sensor.identity, request });
}

/** Whoever listens harms only itself: what it throws ends neither the loop nor a change. */
function unharmed<Told>(listener: ((told: Told) => void) | undefined): (told: Told) => void {
  return (told) => {
    try {
      listener?.(told);
    } catch {
      // It is the author's own code: hotadd has nobody to tell.
    }
  };
}

/** What this process has is no part of a partition that it is not in, nor of another machine. */
function defaultPools({ partition = 'self', machine, root }: OpenOptions): readonly PoolKind[] {
  return partition === 'self' && machine === undefined && root === undefined ? POOLS : [];
}

function selfHeldBytes(machine: Machine): number | null {
  try {
    return parseHeld(machine.readText('/proc/self/status'));
  } catch {
    return null;
  }
}
