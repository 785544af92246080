// A simulated server of many modules and many drivers, opened by production code on simulated time, with what
// is done there counted: kernel files that are read, drivers that are read, drivers that are called.
import { buffers } from '../src/buffers/buffers.ts';
import { MiB } from '../src/core/bytes.ts';
import type { Driver } from '../src/core/driver.ts';
import type { Outcome } from '../src/core/outcome.ts';
import { defaultReserveBytes } from '../src/core/plan.ts';
import type { Policy } from '../src/core/registry.ts';
import { openPartition } from '../src/partition/open.ts';
import type { Partition } from '../src/partition/partition.ts';
import { ClockSim } from '../src/testing/clock-sim.ts';
import type { MachineSim } from '../src/testing/machine-sim.ts';
import type { PartitionSim } from '../src/testing/partition-sim.ts';
import { ServerSim } from '../src/testing/server-sim.ts';

/** One module is one memory block, so that so many modules are as many blocks. */
export const MODULE_BYTES = 128 * MiB;
const NODES = 4;
/** Of a machine with less than 5,600 CPUs the headroom is this share (P3). */
const HEADROOM_SHARE = 0.03;

/** Kernel files read, by what they tell; a folder that is listed counts as all that is in it. */
export interface Reads {
  total: number;
  blocks: number;
  meminfo: number;
  nodes: number;
  others: number;
  lists: number;
}

const NO_READS: Reads = { total: 0, blocks: 0, meminfo: 0, nodes: 0, others: 0, lists: 0 };

function kindOf(path: string): 'blocks' | 'meminfo' | 'nodes' | 'others' {
  if (path.startsWith('/sys/devices/system/memory/')) return 'blocks';
  if (path.startsWith('/sys/devices/system/node/') || path === '/proc/zoneinfo') return 'nodes';
  return path === '/proc/meminfo' ? 'meminfo' : 'others';
}

/** Counts what is read of a machine from now on. */
export function countReads(machine: MachineSim): Reads {
  const reads = { ...NO_READS };
  const readText = machine.readText.bind(machine);
  const list = machine.list.bind(machine);
  machine.readText = (path) => {
    reads.total += 1;
    reads[kindOf(path)] += 1;
    return readText(path);
  };
  machine.list = (path) => {
    const names = list(path);
    reads.total += names.length;
    reads.lists += 1;
    return names;
  };
  return reads;
}

/**
 * Drivers of a large partition: those with a share move when memory grows. The others stay: full at a ceiling
 * or a maximum, or with a minimum and so little weight that what they gain is within the dead-band.
 */
export type Sort = 'share' | 'ceiling' | 'maximum' | 'minimum';

/** Of an even share: what those that do not move have. */
const STAYING_SHARE = 0.5;
const SMALL_WEIGHT = 1e-9;
/** As found, and within the dead-band of its share. */
const NEARLY = 0.995;

interface LargePartitionParts {
  readonly sim: PartitionSim;
  readonly partition: Partition;
  readonly reads: Reads;
  readonly outcomes: readonly Outcome[];
}

export class LargePartition {
  readonly sim: PartitionSim;
  readonly partition: Partition;
  readonly reads: Reads;
  readonly outcomes: readonly Outcome[];
  /** Since it was made. */
  driverReads = 0;
  /** Names of the drivers that were told to resize, in order. */
  readonly called: string[] = [];
  readonly #sizes: number[] = [];
  readonly #software: { use(bytes: number): void };
  #heldBytes = 0;

  constructor({ sim, partition, reads, outcomes }: LargePartitionParts) {
    this.sim = sim;
    this.partition = partition;
    this.reads = reads;
    this.outcomes = outcomes;
    this.#software = sim.run('buffers');
  }

  /** Registers drivers that are planned for at once; all have their share of the memory when time passes. */
  fill(counts: Partial<Record<Sort, number>>): void {
    const all = Object.values(counts).reduce((total, count) => total + count, 0);
    const bytes = Math.floor((this.#roomBytes(0) / all) * STAYING_SHARE);
    const add = (sort: Sort, policy: Policy, ceiling?: number) => {
      for (let index = 0; index < (counts[sort] ?? 0); index += 1) {
        const driver = this.#driver(`${sort} ${index}`, bytes, ceiling);
        this.partition.register(driver, { ...policy, existing: true });
      }
    };
    add('share', {});
    add('ceiling', {}, bytes);
    add('maximum', { max: bytes });
    add('minimum', { min: bytes, weight: SMALL_WEIGHT });
    this.#software.use(this.#heldBytes);
  }

  /** Registers drivers that are left as found until memory grows, and then are all but at their share. */
  fillAsFound(count: number, addedBytes: number): void {
    const bytes = Math.floor((this.#roomBytes(addedBytes) / count) * NEARLY);
    for (let index = 0; index < count; index += 1)
      this.partition.register(this.#driver(`found ${index}`, bytes));
    this.#software.use(this.#heldBytes);
  }

  /** What drivers may share, with the reserve that is the default (P3). */
  #roomBytes(addedBytes: number): number {
    const usableBytes = this.sim.onlineBytes + addedBytes;
    return usableBytes * (1 - HEADROOM_SHARE) - defaultReserveBytes(usableBytes);
  }

  #driver(name: string, sizeBytes: number, ceiling?: number): Driver {
    const index = this.#sizes.push(sizeBytes) - 1;
    this.#heldBytes += sizeBytes;
    const size = () => this.#sizes[index] ?? 0;
    const resize = (bytes: number) => {
      this.called.push(name);
      this.#heldBytes += bytes - size();
      this.#sizes[index] = bytes;
      this.#software.use(this.#heldBytes);
    };
    const driver = buffers(name, { size, resize, ...(ceiling === undefined ? {} : { ceiling }) });
    const read: Driver['read'] = (signal) => {
      this.driverReads += 1;
      return driver.read(signal);
    };
    return { ...driver, read };
  }
}

export interface LargeServerOptions {
  readonly partitions?: number;
  /** Modules of each partition at boot, and so many again may come. */
  readonly modules: number;
}

export class LargeServer {
  readonly clock = new ClockSim();
  readonly server = new ServerSim({ clock: this.clock });
  readonly partitions: LargePartition[] = [];

  static async open({ partitions = 1, modules }: LargeServerOptions): Promise<LargeServer> {
    const large = new LargeServer();
    for (let index = 0; index < partitions; index += 1) await large.#add(`partition${index}`, modules);
    return large;
  }

  /** The one that is given modules. */
  get first(): LargePartition {
    const [first] = this.partitions;
    if (first === undefined) throw new RangeError('a server has a partition');
    return first;
  }

  /** Puts a module of so many blocks into the first partition. */
  hotAdd(blocks: number): void {
    this.server.hotAdd(blocks * MODULE_BYTES, this.first.sim);
  }

  async close(): Promise<void> {
    for (const { partition } of this.partitions) await this.clock.until(partition.close());
  }

  async #add(name: string, count: number): Promise<void> {
    const modules = Array.from({ length: count }, (_, index) =>
      this.server.module(MODULE_BYTES, { node: Math.floor((index * NODES) / count) }),
    );
    const ceilingBytes = 2 * count * MODULE_BYTES;
    const sim = this.server.partition(name, { modules, ceilingBytes, nodes: true });
    const outcomes: Outcome[] = [];
    const reads = countReads(sim.machine);
    const { clock } = this;
    const onOutcome = (outcome: Outcome) => void outcomes.push(outcome);
    const options = { partition: 'machine', machine: sim.machine, clock, apply: true, onOutcome };
    const partition = await clock.until(openPartition(options));
    this.partitions.push(new LargePartition({ sim, partition, reads, outcomes }));
  }
}

/** What was read between two moments. */
export function readsSince(now: Reads, before: Reads): Reads {
  const since = { ...NO_READS };
  for (const kind of Object.keys(since) as (keyof Reads)[]) since[kind] = now[kind] - before[kind];
  return since;
}
