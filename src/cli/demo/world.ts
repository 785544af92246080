// The stage of the demo: a simulated server with two partitions, the production partition open in each, and
// software in both. Time is simulated; nothing here waits for real.
import { GiB } from '../../core/bytes.ts';
import type { Outcome } from '../../core/outcome.ts';
import type { Policy } from '../../core/registry.ts';
import { ClockSim } from '../../testing/clock-sim.ts';
import type { ModuleSim } from '../../testing/module-sim.ts';
import type { PartitionSim } from '../../testing/partition-sim.ts';
import { ServerSim, type ServerSimOptions } from '../../testing/server-sim.ts';
import type { ProcessSim } from '../../testing/software-sim.ts';
import { Cache } from './cache.ts';
import { type DriverName, type Shape, shapeOf } from './shape.ts';
import { type Heard, Side } from './side.ts';
import { Slabs } from './slabs.ts';
import type { Step } from './step.ts';
import { Story } from './story.ts';

/** What a driver makes of itself at start: a share of the memory that it finds, in percent. */
const AT_START: Readonly<Record<DriverName, number>> = {
  pictures: 0.75,
  index: 25,
  sessions: 12,
  crawler: 12,
};
const POLICIES: Readonly<Record<DriverName, Policy>> = {
  // Its memory is real: more than this would be rude.
  pictures: { max: { percent: 1.25 } },
  index: { weight: 2 },
  sessions: {},
  crawler: {},
};
const LEGACY_SHARE = 1 / 16;
/** Longer than the pause between two measures, after which what differs from the plan is mended. */
const CALM_MS = 7_000;

export interface WorldOptions {
  readonly seed: number;
  readonly server?: Pick<ServerSimOptions, 'platform' | 'dynamic'>;
  readonly emit: (step: Step) => void;
  /** The memory of this process, as its operating system counts it. */
  readonly rssBytes: () => number;
}

export class World {
  readonly clock = new ClockSim();
  readonly shape: Shape;
  readonly server: ServerSim;
  readonly story: Story;
  readonly rssBytes: () => number;
  /** Modules that were added while alpha ran and came whole, the newest last. */
  readonly added: ModuleSim[] = [];
  /** Told before each memory block of alpha goes offline. */
  onBlock: (() => void) | null = null;
  /** Sizes of alpha's system pools as it started. */
  readonly poolsAtStart = new Map<string, number>();
  /** The real memory of the cache `pictures`. */
  readonly slabs = new Slabs();
  readonly #sides = new Map<string, Side>();
  #legacy: ProcessSim | null = null;
  #betaAtStart: { readonly heard: Heard; readonly bytes: number } | null = null;

  constructor({ seed, server = {}, emit, rssBytes }: WorldOptions) {
    this.shape = shapeOf(seed);
    this.server = new ServerSim({ ...server, seed, clock: this.clock });
    this.story = new Story(emit, this.clock);
    this.rssBytes = rssBytes;
  }

  get alpha(): Side {
    return this.#side('alpha');
  }

  get beta(): Side {
    return this.#side('beta');
  }

  /** Software that sized itself at start and never registered. */
  get legacy(): ProcessSim {
    if (this.#legacy === null) throw new Error('nothing has started yet');
    return this.#legacy;
  }

  /** True when nothing in beta has been heard or has moved since the server was switched on. */
  get betaIsAsAtStart(): boolean {
    const was = this.#betaAtStart;
    return was !== null && this.beta.usableBytes === was.bytes && this.beta.heardNothingSince(was.heard);
  }

  cache(name: string): Cache {
    const found = [...this.#sides.values()].flatMap(({ caches }) => caches).find((one) => one.name === name);
    if (found === undefined) throw new Error(`there is no driver ${name}`);
    return found;
  }

  /** Switches the server on: two partitions, and software that sizes itself from what it finds. */
  async start(): Promise<void> {
    const { shape, server } = this;
    const { delivery } = shape;
    const refuses = () => {
      this.onBlock?.();
      return undefined;
    };
    await this.#open(server.partition('alpha', { modules: shape.alphaBytes, delivery, refuses }));
    await this.#open(server.partition('beta', { modules: shape.betaBytes, delivery }));
    for (const { name, sizeBytes } of Object.values(this.alpha.sim.pools))
      this.poolsAtStart.set(name, sizeBytes);
    this.#runAlpha();
    this.#run(this.beta, 'mail', AT_START.index, {});
    this.#betaAtStart = { heard: this.beta.heard(), bytes: this.beta.usableBytes };
  }

  /** Alpha starts again: its software has ended, and memory is what the server gives it now. */
  async restartAlpha(): Promise<void> {
    const { sim } = this.alpha;
    await this.#close(this.alpha);
    sim.restart();
    await this.#open(sim);
    this.#runAlpha();
  }

  /** Some time passes: modules come when they come. */
  later(): Promise<void> {
    return this.clock.advance(this.shape.random.between(300, 4_000));
  }

  /** Time in which whatever is on its way arrives. */
  calm(): Promise<void> {
    return this.clock.advance(CALM_MS);
  }

  /** A module of a size that the seed decides, made for alpha. */
  newModule(startsBytes?: number): ModuleSim {
    const sizeBytes = this.shape.random.pick([4 * GiB, 6 * GiB]);
    return this.server.module(sizeBytes, startsBytes === undefined ? {} : { startsBytes });
  }

  /** Adds a module to alpha; the promise is the outcome of the change. */
  add(module: ModuleSim): Promise<Outcome> {
    const outcome = this.alpha.next('change');
    this.server.hotAdd(module, this.alpha.sim);
    this.added.push(module);
    return outcome;
  }

  /** A spare takes the place of a module of alpha. @returns bytes by which memory moved. */
  replace(old: ModuleSim, spare: ModuleSim): number {
    const { bytes } = this.server.hotReplace(old, spare);
    const index = this.added.indexOf(old);
    if (index >= 0) this.added[index] = spare;
    return bytes;
  }

  async close(): Promise<void> {
    for (const side of this.#sides.values()) await this.#close(side);
  }

  async #open(sim: PartitionSim): Promise<void> {
    this.#sides.set(sim.name, await Side.open(sim, this.clock));
  }

  async #close(side: Side): Promise<void> {
    for (const cache of side.caches) cache.release();
    if (side.name === 'alpha') this.slabs.resize(0);
    await this.clock.until(side.partition.close());
  }

  #runAlpha(): void {
    const { alpha } = this;
    for (const name of this.shape.drivers) this.#run(alpha, name, AT_START[name], POLICIES[name]);
    this.#legacy = alpha.sim.run('legacy', alpha.usableBytes * LEGACY_SHARE);
  }

  #run(side: Side, name: string, percent: number, policy: Policy): void {
    const cache = new Cache({
      name,
      process: side.sim.run(name),
      clock: this.clock,
      sizeBytes: (side.usableBytes * percent) / 100,
      ...(name === 'pictures' ? { slabs: this.slabs } : {}),
    });
    side.register(cache, policy);
  }

  #side(name: string): Side {
    const side = this.#sides.get(name);
    if (side === undefined) throw new Error(`${name} has not started yet`);
    return side;
  }
}
