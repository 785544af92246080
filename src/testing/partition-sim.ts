// One hardware partition of a simulated server: an operating system that runs on the modules it was given.
// What production code sees of it is `machine`; everything else is for the test.
//
//   module -> device check -> starts? -> memory manager has it -> usable -> hints, some time later      (N8)
//                               no: parked, and nobody is told (N7)
import { HotaddError } from '../core/errors.ts';
import { ConditionsSim } from './conditions-sim.ts';
import { DeliverySim } from './delivery-sim.ts';
import { MachineSim } from './machine-sim.ts';
import type { RangeSim } from './memory-sim.ts';
import { type ModuleSim, refused, whyNotStarted } from './module-sim.ts';
import type { PartitionSimOptions, PartitionSimSeams } from './partition-sim-options.ts';
import { type PoolName, PoolSim } from './pools-sim.ts';
import type { ControlGroupSim, KillSim, ProcessSim } from './software-sim.ts';

export type { PartitionSimOptions, PartitionSimSeams } from './partition-sim-options.ts';

/** A module that has started: all of it, or a part. `null`: it was there at boot. */
type Started = Map<ModuleSim, RangeSim | null>;

/** An operating system that runs on the modules which it was given. */
export class PartitionSim {
  /** Its name, and machine id. */
  readonly name: string;
  /** As it was made. */
  readonly options: PartitionSimOptions;
  /** How often it has started. */
  starts = 0;
  /** Every kill for want of memory since it was made, in order. */
  readonly kills: KillSim[] = [];
  /** How news of memory travels: its `options` may change while it runs. */
  readonly delivery: DeliverySim;
  readonly #seams: PartitionSimSeams;
  #machine: MachineSim;
  #pools: Readonly<Record<PoolName, PoolSim>>;
  #conditions: ConditionsSim;
  #started: Started = new Map();
  #parked = new Set<ModuleSim>();
  /** Modules that are being taken out. */
  readonly #leaving = new Set<ModuleSim>();

  /** @internal Of the server, or of production code. */
  constructor(name: string, options: PartitionSimOptions, seams: PartitionSimSeams) {
    this.name = name;
    this.options = options;
    this.#seams = seams;
    this.delivery = new DeliverySim(seams.clock, seams.random, options.delivery);
    const started = this.#start();
    this.#machine = started.machine;
    this.#pools = started.pools;
    this.#conditions = started.conditions;
  }

  /**
   * What production code opens: `openPartition({ partition: 'machine', machine, clock })`. Another one
   * after a restart.
   */
  get machine(): MachineSim {
    return this.#machine;
  }

  /** Sized at start, fixed since (N9). */
  get pools(): Readonly<Record<PoolName, PoolSim>> {
    return this.#pools;
  }

  /** States of free memory (N21). */
  get conditions(): ConditionsSim {
    return this.#conditions;
  }

  /** Modules that started, whole or in part. */
  get modules(): readonly ModuleSim[] {
    return [...this.#started.keys()];
  }

  /** Modules that belong to it and have not started: they failed to. */
  get parked(): readonly ModuleSim[] {
    return [...this.#parked];
  }

  /** Why none of a module has started, for people; `null`: some of it has, or it is not here. */
  whyParked(module: ModuleSim): string | null {
    return this.#parked.has(module) ? whyNotStarted(module, this.#machine.memory.blockBytes) : null;
  }

  /** Memory in modules that have started. */
  get presentBytes(): number {
    return this.#machine.memory.presentBytes;
  }
  /** Memory that its system manages. */
  get onlineBytes(): number {
    return this.#machine.memory.onlineBytes;
  }

  /** What is in use of it. */
  get usedBytes(): number {
    return this.#machine.software.usedBytes;
  }
  /** What is not. */
  get freeBytes(): number {
    return this.onlineBytes - this.usedBytes;
  }

  /** Starts software that uses memory. Where there is none the kernel kills the largest. */
  run(name: string, bytes = 0, { cgroup = '/' } = {}): ProcessSim {
    const process = this.#machine.software.run(name, cgroup);
    process.use(bytes);
    return process;
  }

  /** Makes a cgroup; production code opens it as `cgroup:/path`. */
  cgroup(path: string, maxBytes: number | 'max' = 'max'): ControlGroupSim {
    return this.#machine.software.cgroup(path, maxBytes);
  }

  /**
   * The system starts again, with the modules that the service processor gives it now (N10). All software has
   * ended; `machine` is another one.
   */
  restart(): void {
    for (const process of [...this.#machine.software.processes.values()]) process.end();
    this.delivery.dropAll();
    const { machine, pools, conditions } = this.#start();
    this.#machine = machine;
    this.#pools = pools;
    this.#conditions = conditions;
  }

  // ---- What the server does to it. ----

  /** @internal Of the server, or of production code. */
  mustHaveRange(module: ModuleSim): void {
    if (this.#machine.memory.hasRange(module.sizeBytes)) return;
    throw refused(
      module,
      `does not fit the ranges that ${this.name} declared when it started`,
      'start the partition with a higher ceiling',
    );
  }

  /** @internal Of the server, or of production code. */
  bringIn(module: ModuleSim): number {
    const { blockBytes } = this.#machine.memory;
    const bytes = Math.floor(module.startsBytes / blockBytes) * blockBytes;
    if (bytes === 0) {
      this.#parked.add(module);
      return 0;
    }
    const { autoOnline = 'online' } = this.options;
    const range = this.#machine.addMemory(bytes, {
      online: autoOnline !== 'offline',
      zone: autoOnline === 'online_movable' ? 'Movable' : 'Normal',
      node: module.node,
    });
    this.#started.set(module, range);
    return bytes;
  }

  /** @internal Of the server, or of production code. */
  startedBytes(module: ModuleSim): number {
    if (!this.#started.has(module)) return 0;
    const { blockBytes } = this.#machine.memory;
    const range = this.#started.get(module);
    if (range != null) return range.blocks.length * blockBytes;
    return Math.floor(module.startsBytes / blockBytes) * blockBytes;
  }

  /** @internal Of the server, or of production code. */
  mustBeStill(module: ModuleSim): void {
    if (this.#leaving.has(module)) throw refused(module, 'is being taken out', 'wait until it has gone');
  }

  /** @internal Of the server, or of production code. */
  async takeOut(module: ModuleSim): Promise<number> {
    this.mustBeStill(module);
    const range = this.#started.get(module);
    if (range === undefined) {
      this.#parked.delete(module);
      return 0;
    }
    if (range === null) throw refused(module, 'was there at boot', 'the kernel has its own data in it');
    this.#leaving.add(module);
    try {
      await this.#takeOffline(module, range);
    } finally {
      this.#leaving.delete(module);
    }
    this.#machine.removeMemory(range);
    this.#started.delete(module);
    return range.blocks.length * this.#machine.memory.blockBytes;
  }

  async #takeOffline(module: ModuleSim, range: RangeSim): Promise<void> {
    const { starts } = this;
    for (const block of range.blocks) {
      if (this.#machine.memory.blocks.get(block)?.state !== 'online') continue;
      const code = await this.#machine.writeTextSlowly(stateFile(block), 'offline').then(
        () => null,
        (thrown: { code?: string }) => thrown.code ?? 'EIO',
      );
      const place = { place: module.id };
      if (starts !== this.starts)
        throw new HotaddError('HOTADD_OPERATION', 'its partition has started again, with it', place);
      if (code === null) continue;
      this.#bringBack(range);
      throw new HotaddError('HOTADD_OPERATION', `block ${block} stays online (${code})`, place);
    }
  }

  /** @internal Of the server, or of production code. */
  swap(module: ModuleSim, spare: ModuleSim): void {
    if (this.#parked.delete(module)) this.#parked.add(spare);
    this.#started = new Map(
      [...this.#started].map(([each, range]) => [each === module ? spare : each, range]),
    );
  }

  /** A refused unplug gives back what it took (S4). */
  #bringBack({ blocks }: RangeSim): void {
    for (const block of blocks) {
      if (this.#machine.memory.blocks.get(block)?.state === 'offline')
        this.#machine.writeText(stateFile(block), 'online');
    }
  }

  #start() {
    this.starts += 1;
    const { options } = this;
    const blockBytes = options.blockBytes ?? 128 * 1024 ** 2;
    this.#started = new Map();
    this.#parked = new Set();
    const byNode: { bytes: number }[] = [];
    for (const module of this.#seams.modules()) {
      const bytes = Math.floor(module.startsBytes / blockBytes) * blockBytes;
      if (bytes === 0) this.#parked.add(module);
      else this.#started.set(module, null);
      while (byNode.length <= module.node) byNode.push({ bytes: 0 });
      const node = byNode[module.node];
      if (node !== undefined) node.bytes += bytes;
    }
    const bootBytes = byNode.reduce((total, { bytes }) => total + bytes, 0);
    const pool = (name: PoolName) => new PoolSim(name, bootBytes, () => machine.software.othersMoved());
    const pools = { paged: pool('paged'), nonpaged: pool('nonpaged') };
    const inPools = () => pools.paged.usedBytes + pools.nonpaged.usedBytes;
    const machine = this.#boot(bootBytes, byNode, () => (options.systemBytes ?? 0) + inPools());
    const conditions = new ConditionsSim({
      freeBytes: () => machine.memory.onlineBytes - machine.software.usedBytes,
      onlineBytes: () => machine.memory.onlineBytes,
    });
    machine.software.onMoved = () => conditions.moved();
    machine.memory.onMoved = () => conditions.moved();
    machine.software.onKill = (kill) => this.kills.push(kill);
    return { machine, pools, conditions };
  }

  #boot(bootBytes: number, byNode: readonly { bytes: number }[], usedBytes: () => number): MachineSim {
    const { options } = this;
    const { clock, platform } = this.#seams;
    const { offlineMs = 0 } = options;
    return new MachineSim({
      bootBytes,
      usedBytes,
      kernelFiles: platform.kernelFiles,
      machineId: this.name,
      bootId: `boot ${this.starts} of ${this.name}`,
      delivery: this.delivery,
      monotonicMs: () => clock.monotonicMs(),
      offlining: () =>
        new Promise((resolve) => (offlineMs > 0 ? clock.after(offlineMs, resolve) : resolve())),
      ...(options.nodes === true || byNode.length > 1 ? { nodes: byNode } : {}),
      ...(options.blockBytes === undefined ? {} : { blockBytes: options.blockBytes }),
      ...(options.ceilingBytes === undefined ? {} : { ceilingBytes: options.ceilingBytes }),
      ...(options.cpus === undefined ? {} : { cpus: options.cpus }),
      ...(options.refuses === undefined ? {} : { refuses: options.refuses }),
    });
  }
}

function stateFile(block: number): string {
  return `/sys/devices/system/memory/memory${block}/state`;
}
