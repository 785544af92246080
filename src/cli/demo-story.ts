// The story of the demo, told by what really happens: MachineSim is given and loses modules, the production
// partition senses, plans and notifies, and every number that is printed was read in this run.
import { randomUUID } from 'node:crypto';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MiB } from '../core/bytes.ts';
import type { PhysicalMemory } from '../core/memory.ts';
import type { Outcome } from '../core/outcome.ts';
import type { Plan } from '../core/plan.ts';
import { costsOf, unclaimedOf } from '../core/survey.ts';
import { openPartition } from '../partition/open.ts';
import type { Partition } from '../partition/partition.ts';
import { MachineSim } from '../testing/machine-sim.ts';
import type { RangeSim } from '../testing/memory-sim.ts';
import { DemoCache } from './demo-cache.ts';
import type { Step } from './demo-steps.ts';
import { Waiting } from './demo-waiting.ts';

const BLOCK_BYTES = 32 * MiB;
const BOOT_BYTES = 192 * MiB;
/** In use on the simulated machine beside the caches. */
const SYSTEM_BYTES = 24 * MiB;
/** What else of this process may grow or shrink meanwhile: its heap and its code. */
const RSS_NOISE_BYTES = 16 * MiB;

/** Plays the story; false when something was not proven or RSS did not follow. */
export async function playDemo(emit: (step: Step) => void): Promise<boolean> {
  const story = await Story.open(emit);
  try {
    return await story.play();
  } finally {
    await story.close();
  }
}

class Story {
  readonly #emit: (step: Step) => void;
  readonly #machine: MachineSim;
  readonly #caches: readonly DemoCache[];
  readonly #partition: Partition;
  readonly #waiting: Waiting;
  /** The plan of the last look. */
  readonly #looked: { plan: Plan | null };
  readonly #startedMs = performance.now();
  #uevents: Record<string, number> = {};
  #passed = true;

  private constructor(parts: {
    emit: (step: Step) => void;
    machine: MachineSim;
    caches: readonly DemoCache[];
    partition: Partition;
    waiting: Waiting;
    looked: { plan: Plan | null };
  }) {
    this.#looked = parts.looked;
    this.#emit = parts.emit;
    this.#machine = parts.machine;
    this.#caches = parts.caches;
    this.#partition = parts.partition;
    this.#waiting = parts.waiting;
  }

  static async open(emit: (step: Step) => void): Promise<Story> {
    const waiting = new Waiting();
    const cache = (name: string, ceilingBytes?: number) =>
      new DemoCache(name, {
        ready: () => waiting.planShown(),
        onResize: (bytes) => emit({ step: 'notify', driver: name, bytes }),
        ...(ceilingBytes === undefined ? {} : { ceilingBytes }),
      });
    const caches = [cache('pictures'), cache('sessions', 56 * MiB)];
    const machine = new MachineSim({
      bootBytes: BOOT_BYTES,
      blockBytes: BLOCK_BYTES,
      // Two demos at a time are two machines.
      machineId: randomUUID().replaceAll('-', ''),
      usedBytes: () => SYSTEM_BYTES + heldBy(caches),
    });
    const looked: { plan: Plan | null } = { plan: null };
    const partition = await openPartition({
      machine,
      partition: 'machine',
      apply: true,
      program: 'hotadd demo',
      lockFolder: join(tmpdir(), `hotadd-demo-${process.pid}`),
      onMemory: (memory) => waiting.sawMemory(memory),
      onOutcome: (outcome) => waiting.sawOutcome(outcome),
      onLook: ({ plan }) => {
        looked.plan = plan;
      },
    });
    return new Story({ emit, machine, caches, partition, waiting, looked });
  }

  close(): Promise<void> {
    return this.#partition.close();
  }

  async play(): Promise<boolean> {
    this.#machine.uevents(({ action }) => {
      this.#uevents[action] = (this.#uevents[action] ?? 0) + 1;
    });
    this.#partition.onChange(() => this.#tellPlan());
    this.#scene(
      'The machine is simulated. The code is the one that runs on real ones, and the memory of ' +
        'the caches is real: nothing outside this process is touched.',
    );
    await this.#register();
    const large = await this.#addOnline();
    const small = await this.#addOffline();
    await this.#bringOnline(small);
    await this.#remove(large);
    await this.#end();
    return this.#passed;
  }

  async #register(): Promise<void> {
    this.#scene('1. A machine with 192 MiB. Two caches of this process register: they are empty.');
    this.#sense();
    const policies = [{ weight: 3, max: { percent: 35 } }, { weight: 1 }];
    for (const [index, cache] of this.#caches.entries()) {
      this.#partition.register(cache.driver, { ...policies[index], existing: true });
      this.#tellOutcome(await this.#waiting.outcome());
    }
  }

  async #addOnline(): Promise<RangeSim> {
    this.#scene('2. A memory module of 128 MiB is added while they run.');
    const { module } = await this.#witnessed(async () => {
      const added = this.#happens('four blocks come online', () => this.#machine.addMemory(128 * MiB));
      this.#tellOutcome(await this.#waiting.outcome());
      return { module: added };
    });
    return module;
  }

  async #addOffline(): Promise<RangeSim> {
    this.#scene('3. Another module of 64 MiB arrives, and nobody brings it online.');
    const module = this.#happens('two blocks are added', () =>
      this.#machine.addMemory(64 * MiB, { online: false }),
    );
    await this.#waiting.memory(({ blocks }) => blocks?.offlineBytes === 64 * MiB);
    this.#sense();
    this.#emit({ step: 'offline', ...this.#partition.sensor.offlineBlocks() });
    return module;
  }

  async #bringOnline(module: RangeSim): Promise<void> {
    this.#scene('4. It is brought online. A dashboard has asked for the news alone, and takes no part.');
    const heard = new Promise<void>((resolve) => {
      this.#partition.onChange((news) => {
        const { usableBytes } = this.#partition.memory;
        this.#emit({ step: 'news', listener: 'dashboard', usableBytes, ...news });
        resolve();
      });
    });
    this.#happens('its state files are written', () => {
      for (const block of module.blocks)
        this.#machine.writeText(`/sys/devices/system/memory/memory${block}/state`, 'online');
    });
    this.#tellOutcome(await this.#waiting.outcome());
    await heard;
  }

  async #remove(module: RangeSim): Promise<void> {
    this.#scene(
      '5. The first module is taken out again. A shrink counts when less is held, for two seconds.',
    );
    await this.#witnessed(async () => {
      this.#happens('its blocks go offline, and are gone', () => this.#machine.removeMemory(module));
      this.#tellOutcome(await this.#waiting.outcome());
    });
  }

  async #end(): Promise<void> {
    this.#scene('What stayed unclaimed, and why:');
    const look = await this.#partition.plan();
    const { bytes, reasons } = unclaimedOf(look);
    this.#emit({
      step: 'end',
      roomBytes: look.plan.roomBytes,
      costsBytes: costsOf(look),
      unclaimedBytes: bytes,
      reasons,
      tookMs: Math.round(performance.now() - this.#startedMs),
      passed: this.#passed,
    });
  }

  /** Does something to the machine, and says which uevents came of it. */
  #happens<Result>(text: string, act: () => Result): Result {
    this.#uevents = {};
    const result = act();
    this.#emit({ step: 'machine', text, uevents: this.#uevents });
    return result;
  }

  /** News of a change: shows memory, the change and the plan, and then lets the caches go on. */
  #tellPlan(): void {
    const { change } = this.#partition.notifier;
    const { plan } = this.#looked;
    if (plan === null) return;
    if (change !== null && change.kind !== 'repair') {
      this.#sense();
      this.#emit({ step: 'change', change });
    }
    this.#emit({ step: 'plan', plan });
    this.#waiting.sawPlan();
  }

  #tellOutcome(outcome: Outcome): void {
    for (const answer of outcome.answers) this.#emit({ step: 'prove', answer });
    this.#emit({ step: 'record', report: outcome.report });
    if (outcome.result !== 'done') this.#passed = false;
  }

  async #witnessed<Result>(act: () => Promise<Result>): Promise<Result> {
    const rssBeforeBytes = process.memoryUsage.rss();
    const heldBeforeBytes = heldBy(this.#caches);
    const result = await act();
    const rssAfterBytes = process.memoryUsage.rss();
    const heldAfterBytes = heldBy(this.#caches);
    const moved = heldAfterBytes - heldBeforeBytes;
    const differs = Math.abs(rssAfterBytes - rssBeforeBytes - moved);
    const follows = moved !== 0 && differs <= RSS_NOISE_BYTES;
    if (!follows) this.#passed = false;
    this.#emit({
      step: 'witness',
      rssBeforeBytes,
      rssAfterBytes,
      heldBeforeBytes,
      heldAfterBytes,
      follows,
    });
    return result;
  }

  #sense(): void {
    const { presentBytes, onlineBytes, usableBytes, boundBy }: PhysicalMemory = this.#partition.memory;
    this.#emit({ step: 'sense', presentBytes, onlineBytes, usableBytes, boundBy });
  }

  #scene(text: string): void {
    this.#emit({ step: 'scene', text });
  }
}

function heldBy(caches: readonly DemoCache[]): number {
  return caches.reduce((total, { heldBytes }) => total + heldBytes, 0);
}
