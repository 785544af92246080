// The simulated server: the box that the Windows driver documentation calls dynamically partitionable. Memory
// modules, a service processor that owns the map of them, and hardware partitions that are given modules
// while they run. No real time passes, and one seed is one history.
//
//   server.module(bytes)     a module in the box, a spare
//   server.partition(name)   a partition that starts with some of them; production code opens its `machine`
//   server.hotAdd(module, partition)   hotReplace(module, spare)   hotRemove(module)
import { formatBytes } from '../core/bytes.ts';
import { HotaddError, messageOf } from '../core/errors.ts';
import { ClockSim } from './clock-sim.ts';
import { type ModuleOptions, ModuleSim, refused, ServiceProcessorSim } from './module-sim.ts';
import { PartitionSim, type PartitionSimOptions } from './partition-sim.ts';
import { PLATFORMS, type PlatformName, type PlatformSim } from './platform-sim.ts';
import { RandomSim } from './random-sim.ts';

/** What a server is like. */
export interface ServerSimOptions {
  /** What can be done to it while it runs. Default: `linux`. */
  readonly platform?: PlatformName;
  /** False: a statically partitionable server, whose map changes only at a restart (N4). Default: true. */
  readonly dynamic?: boolean;
  /** Simulated time that it shares with others. Default: its own. */
  readonly clock?: ClockSim;
  /** Of all that is random: delays, duplicates, losses. Default: 1. */
  readonly seed?: number;
}

/** What came of a hot operation: shown to whoever administers the server. */
export interface HotOutcome {
  /** When, on the server's clock. */
  readonly atMs: number;
  /** What was asked for. */
  readonly operation: 'hot add' | 'hot replace' | 'hot remove';
  /** The id of the module: `module1`, in the order in which they came into the box. */
  readonly module: string;
  /** Its name; `null`: none. */
  readonly partition: string | null;
  /** `partly`: some of it failed to start. `parked`: all of it did. `refused`: nothing has changed. */
  readonly result: 'done' | 'partly' | 'parked' | 'refused';
  /** Bytes by which the partition's memory moved. */
  readonly bytes: number;
  /** Why, for people; `null`: there is nothing to say. */
  readonly note: string | null;
}

/**
 * A server whose memory changes while its partitions run. No real time passes, and one seed is one
 * history. What it will not do throws HOTADD_UNSUPPORTED, is in the journal as `refused`, and has changed
 * nothing.
 */
export class ServerSim {
  /** The time of all of it. */
  readonly clock: ClockSim;
  /** What can be done to it while it runs. */
  readonly platform: PlatformSim;
  /** Whether it is partitioned dynamically. */
  readonly dynamic: boolean;
  /** Chance, of its seed. */
  readonly random: RandomSim;
  /** The map of modules to partitions. */
  readonly serviceProcessor = new ServiceProcessorSim();
  /** Every hot operation that was asked for, in order. */
  readonly journal: HotOutcome[] = [];
  readonly #partitions = new Map<string, PartitionSim>();
  #modules = 0;

  /** A server without modules and partitions. */
  constructor(options: ServerSimOptions = {}) {
    this.clock = options.clock ?? new ClockSim();
    this.platform = PLATFORMS[options.platform ?? 'linux'];
    this.dynamic = options.dynamic ?? true;
    this.random = new RandomSim(options.seed ?? 1);
  }

  /** Those that were started, in order. */
  get partitions(): readonly PartitionSim[] {
    return [...this.#partitions.values()];
  }

  /** Puts a module into the box. It is a spare until a partition is given it. */
  module(sizeBytes: number, options: ModuleOptions = {}): ModuleSim {
    this.#modules += 1;
    const module = new ModuleSim(`module${this.#modules}`, sizeBytes, options);
    this.serviceProcessor.install(module);
    return module;
  }

  /** Starts a partition. @throws HotaddError HOTADD_NAME_TAKEN; HOTADD_UNSUPPORTED for another's module. */
  partition(name: string, options: PartitionSimOptions): PartitionSim {
    if (this.#partitions.has(name)) {
      throw new HotaddError('HOTADD_NAME_TAKEN', `there is a partition "${name}" already`, {
        mend: 'give this one another name',
      });
    }
    const modules = options.modules.map((each) => (typeof each === 'number' ? this.module(each) : each));
    this.serviceProcessor.assignAll(modules, name);
    const partition = new PartitionSim(name, options, {
      clock: this.clock,
      random: this.random,
      platform: this.platform,
      modules: () => this.serviceProcessor.modulesOf(name),
    });
    this.#partitions.set(name, partition);
    return partition;
  }

  /**
   * Gives a running partition a module (N1). When this returns its memory is usable; the news is on its way.
   * @param what a spare, or the bytes of a new module.
   * @throws HotaddError HOTADD_UNSUPPORTED on a static server, for a module that is not a spare, and beyond
   * the ceiling declared at boot. Nothing has changed then.
   */
  hotAdd(what: ModuleSim | number, partition: PartitionSim): HotOutcome {
    const module = typeof what === 'number' ? this.module(what) : what;
    return this.#journaled('hot add', module, partition, () => {
      this.#mustBeDynamic(module);
      this.serviceProcessor.mustBeSpare(module);
      partition.mustHaveRange(module);
      this.serviceProcessor.assign(module, partition.name);
      const bytes = partition.bringIn(module);
      if (bytes === 0) return { result: 'parked', bytes, note: partition.whyParked(module) };
      const missing = module.sizeBytes - bytes;
      if (missing === 0) return { result: 'done', bytes, note: null };
      return { result: 'partly', bytes, note: `${formatBytes(missing)} of it failed to start` };
    });
  }

  /**
   * Swaps a module for an identical spare, in one step: the partition's memory is as before, and nobody hears
   * of it (N5). What has not started is replaced for the partition's next start.
   * @throws HotaddError HOTADD_UNSUPPORTED; nothing has changed then.
   */
  hotReplace(module: ModuleSim, spare: ModuleSim): HotOutcome {
    const partition = this.#ownerOf(module);
    return this.#journaled('hot replace', module, partition, () => {
      this.#mustBeDynamic(module);
      if (!this.platform.hotReplace) throw this.#notHere(module, 'replaces no memory while it runs');
      if (partition === null) throw refused(module, 'belongs to no partition', 'name one that does');
      if (spare.sizeBytes !== module.sizeBytes || spare.node !== module.node)
        throw refused(spare, `is not identical to ${module.id}`, 'take a spare of the same size and node');
      if (spare.startsBytes < partition.startedBytes(module))
        throw refused(spare, `does not start: ${module.id} stays`, 'take a spare that works');
      partition.mustBeStill(module);
      const before = partition.presentBytes;
      this.serviceProcessor.assign(spare, partition.name);
      this.serviceProcessor.release(module);
      partition.swap(module, spare);
      return { result: 'done', bytes: partition.presentBytes - before, note: `${spare.id} is in its place` };
    });
  }

  /**
   * Takes a module out of a running partition, block by block. A block that refuses keeps all of it.
   * @throws HotaddError HOTADD_UNSUPPORTED where the platform does not remove memory (Windows never does);
   * HOTADD_OPERATION when a block stays online.
   */
  async hotRemove(module: ModuleSim): Promise<HotOutcome> {
    const partition = this.#ownerOf(module);
    const write = (parts: Ending) => this.#write('hot remove', module, partition, parts);
    try {
      this.#mustBeDynamic(module);
      if (!this.platform.hotRemove) throw this.#notHere(module, 'removes no memory while it runs');
      if (partition === null) throw refused(module, 'belongs to no partition', 'name one that does');
      const bytes = await partition.takeOut(module);
      this.serviceProcessor.release(module);
      return write({ result: 'done', bytes: -bytes, note: null });
    } catch (thrown) {
      write({ result: 'refused', bytes: 0, note: messageOf(thrown) });
      throw thrown;
    }
  }

  /** Gives a spare to a partition from its next start on, as a static server does. */
  assign(module: ModuleSim, partition: PartitionSim): void {
    this.serviceProcessor.assign(module, partition.name);
  }

  /** The whole server is switched off and on: every partition starts with the modules it had (N10). */
  powerCycle(): void {
    for (const partition of this.partitions) partition.restart();
  }

  #ownerOf(module: ModuleSim): PartitionSim | null {
    return this.#partitions.get(this.serviceProcessor.ownerOf(module) ?? '') ?? null;
  }

  #mustBeDynamic(module: ModuleSim): void {
    if (this.dynamic) return;
    throw refused(
      module,
      'stays where it is: this server is partitioned statically',
      'restart the partition',
    );
  }

  #notHere(module: ModuleSim, what: string): HotaddError {
    return refused(
      module,
      `cannot be moved: ${this.platform.name} ${what}`,
      'restart the partition without it',
    );
  }

  #journaled(
    operation: HotOutcome['operation'],
    module: ModuleSim,
    partition: PartitionSim | null,
    act: () => Ending,
  ): HotOutcome {
    try {
      return this.#write(operation, module, partition, act());
    } catch (thrown) {
      this.#write(operation, module, partition, { result: 'refused', bytes: 0, note: messageOf(thrown) });
      throw thrown;
    }
  }

  #write(
    operation: HotOutcome['operation'],
    module: ModuleSim,
    partition: PartitionSim | null,
    parts: Ending,
  ): HotOutcome {
    const atMs = this.clock.monotonicMs();
    const outcome = { atMs, operation, module: module.id, partition: partition?.name ?? null, ...parts };
    this.journal.push(outcome);
    return outcome;
  }
}

type Ending = Pick<HotOutcome, 'result' | 'bytes' | 'note'>;
