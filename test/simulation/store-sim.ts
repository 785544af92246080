// A server of the simulation: a process of a partition that keeps content up to a limit, and the ways in
// which servers misbehave. It outlasts the agent; a driver (life.ts) is how one life of the agent talks to
// it.
import type { Clock } from '../../src/core/clock.ts';
import type { DriverState, Setting, Target } from '../../src/core/driver.ts';
import { Refusal } from '../../src/core/errors.ts';
import type { ProcessSim } from '../../src/testing/software-sim.ts';

export const BEHAVIOURS = [
  'obey',
  'throw',
  'refuse',
  'hang',
  'ignore',
  'lie',
  'half',
  'cling',
  'slow',
  'late',
  'restart',
] as const;
/**
 * How it takes a new limit: `obey`; `throw`; `refuse`; `hang` (does it when released, deaf to its signal);
 * `ignore` (says it did); `lie` (sets something else); `half`; `cling` (the limit moves, what it holds does
 * not); `slow` (what it holds follows in steps); `late` (answers when it has long done it); `restart` (takes
 * effect after a restart).
 */
export type Behaviour = (typeof BEHAVIOURS)[number];
/** How it answers a read. */
export type ReadBehaviour = 'answer' | 'fail' | 'hang' | 'late';

export interface StoreOptions {
  readonly name: string;
  readonly limitBytes: number;
  readonly overheadBytes: number;
  readonly floorBytes: number;
  readonly ceilingBytes: number | null;
  readonly stepBytes: number;
  /** What it would keep if it could. */
  readonly contentBytes: number;
}

const PAGE_BYTES = 4096;
const SLOW_STEP_MS = 150;
const SLOW_STEPS = 4;
const LATE_MS = 400;
const LOADING_MS = 700;
const READ_LATE_MS = 30;

/** What was true from some time on: for the invariants to look back. */
export interface Truth {
  readonly atMs: number;
  readonly limitBytes: number;
  readonly usedBytes: number;
}

export class StoreSim {
  readonly options: StoreOptions;
  readonly clock: Clock;
  behaviour: Behaviour = 'obey';
  reading: ReadBehaviour = 'answer';
  limitBytes: number;
  contentBytes: number;
  pendingBytes: number | null = null;
  process: ProcessSim | null = null;
  readonly truths: Truth[] = [];
  #starts = 0;
  #moving = 0;
  #moves = 0;
  /** Bytes that it does not let go of. */
  #clungBytes = 0;
  #released = Promise.withResolvers<void>();

  constructor(options: StoreOptions, clock: Clock) {
    this.options = options;
    this.clock = clock;
    this.limitBytes = options.limitBytes;
    this.contentBytes = options.contentBytes;
  }

  get name(): string {
    return this.options.name;
  }

  get instance(): string {
    return `${this.name} run ${this.#starts}`;
  }

  get costBytes(): number {
    return this.limitBytes + this.options.overheadBytes;
  }

  /** What it may come to take, also with what waits for a restart. */
  get afterRestartBytes(): number {
    return Math.max(this.limitBytes, this.pendingBytes ?? 0) + this.options.overheadBytes;
  }

  /** What it takes soon after it has started, with the limit of its configuration. */
  get startBytes(): number {
    return Math.min(this.options.limitBytes, this.contentBytes) + this.options.overheadBytes;
  }

  /** It starts, with the limit of its configuration or the one that waited for this. */
  start(process: ProcessSim): void {
    this.#starts += 1;
    this.#moves += 1;
    this.process = process;
    this.limitBytes = this.pendingBytes ?? this.options.limitBytes;
    this.pendingBytes = null;
    this.#moving = 0;
    this.#clungBytes = 0;
    process.use(this.options.overheadBytes);
    this.note();
    // It loads what it kept after it has started.
    this.clock.after(LOADING_MS, () => {
      if (this.process === process) this.settle();
    });
  }

  /** What it holds comes to what it should be: its content, up to its limit. */
  settle(): void {
    const content = Math.min(this.contentBytes, this.limitBytes);
    const bytes = Math.max(content + this.options.overheadBytes, this.#clungBytes);
    this.process?.use(Math.floor(bytes / PAGE_BYTES) * PAGE_BYTES);
    this.note();
  }

  /** All that hung or clung lets go. */
  release(): void {
    this.#released.resolve();
    this.#released = Promise.withResolvers();
    this.#clungBytes = 0;
    this.settle();
  }

  async read(): Promise<DriverState> {
    await this.#answersRead();
    const { process } = this;
    if (process === null || !process.alive) throw new Error('connection refused');
    const { overheadBytes, floorBytes, ceilingBytes, stepBytes } = this.options;
    return {
      costBytes: this.costBytes,
      heldBytes: null,
      floorBytes: floorBytes + overheadBytes,
      ceilingBytes: ceilingBytes === null ? null : ceilingBytes + overheadBytes,
      stepBytes,
      settings: [this.#setting()],
      instance: this.instance,
      home: { pids: [process.pid] },
      ...(this.pendingBytes === null ? {} : { afterRestartBytes: this.pendingBytes + overheadBytes }),
      ...(this.#moving > 0 ? { moving: { toBytes: this.costBytes, note: 'it evicts' } } : {}),
    };
  }

  async resize(target: Target): Promise<Setting[]> {
    if (this.process === null || !this.process.alive) throw new Error('connection refused');
    if ('settings' in target) return this.#setBack(target.settings);
    const { overheadBytes, floorBytes, stepBytes } = this.options;
    const most = target.bytes - overheadBytes;
    if (most < floorBytes) throw new Refusal('it needs more', floorBytes + overheadBytes);
    // Its floor is a size that it takes, also when that is no whole number of steps.
    const bytes = Math.max(floorBytes, Math.floor(most / stepBytes) * stepBytes);
    return this.#take(bytes);
  }

  async #answersRead(): Promise<void> {
    if (this.reading === 'fail') throw new Error('the server is busy');
    if (this.reading === 'hang') await this.#released.promise;
    if (this.reading === 'late') await this.#pause(READ_LATE_MS);
  }

  async #take(bytes: number): Promise<Setting[]> {
    const asked = (limit: number): Setting[] => [{ name: 'limit', value: String(limit), live: true }];
    switch (this.behaviour) {
      case 'obey':
        return this.#set(bytes);
      case 'throw':
        throw new Error('broken on purpose');
      case 'refuse':
        throw new Refusal('not now', this.costBytes);
      case 'hang':
        await this.#released.promise;
        return this.#set(bytes);
      case 'ignore':
        return asked(bytes);
      case 'lie':
        this.#set(Math.floor(this.limitBytes * 1.05));
        return asked(bytes);
      case 'half':
        return this.#set(Math.floor((this.limitBytes + bytes) / 2));
      case 'cling':
        this.#clungBytes = this.process?.usedBytes ?? 0;
        return this.#set(bytes);
      case 'slow':
        return this.#setSlowly(bytes);
      case 'late':
        this.#set(bytes);
        await this.#pause(LATE_MS);
        return asked(bytes);
      case 'restart':
        this.pendingBytes = bytes;
        return [{ name: 'limit', value: String(bytes), live: false }];
    }
  }

  #setBack(settings: readonly Setting[]): Setting[] {
    const [setting] = settings;
    this.pendingBytes = setting?.pending === undefined ? null : Number(setting.pending);
    this.limitBytes = Number(setting?.value ?? this.limitBytes);
    this.settle();
    return [this.#setting()];
  }

  #set(bytes: number): Setting[] {
    this.limitBytes = bytes;
    this.pendingBytes = null;
    this.settle();
    return [this.#setting()];
  }

  #setSlowly(bytes: number): Setting[] {
    const before = this.process?.usedBytes ?? 0;
    this.#clungBytes = before;
    const asked = this.#set(bytes);
    this.#moving = SLOW_STEPS;
    this.#moves += 1;
    const move = this.#moves;
    const step = () => {
      if (this.#moves !== move) return;
      this.#moving -= 1;
      this.#clungBytes = Math.floor((before * this.#moving) / SLOW_STEPS);
      this.settle();
      if (this.#moving > 0) this.clock.after(SLOW_STEP_MS, step);
    };
    this.clock.after(SLOW_STEP_MS, step);
    return asked;
  }

  #setting(): Setting {
    const pending = this.pendingBytes === null ? {} : { pending: String(this.pendingBytes) };
    return { name: 'limit', value: String(this.limitBytes), live: true, ...pending };
  }

  /** Writes down what is true from now on. */
  note(): void {
    const usedBytes = this.process?.usedBytes ?? 0;
    this.truths.push({ atMs: this.clock.monotonicMs(), limitBytes: this.limitBytes, usedBytes });
  }

  #pause(delayMs: number): Promise<void> {
    return new Promise((resolve) => {
      this.clock.after(delayMs, resolve);
    });
  }
}
