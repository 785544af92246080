// What histories have in common: steps that a seed chooses, calls that go on meanwhile, and a count of what
// there was. A seed repeats what is tried; which call is over first is the kernel's choice.
import { RandomSim } from '../../src/testing/random-sim.ts';
import type { Ends } from './calls.ts';

/** A bug on purpose: a pool that frees at the deadline, or a user who releases before the call back. */
export type Broken = 'pool' | 'user' | null;

export interface Tally {
  /** By name. */
  readonly calls: Record<string, number>;
  readonly counts: Record<string, number>;
}

export interface HistoryOptions {
  readonly seed: number;
  readonly ends: Ends;
  readonly tally: Tally;
  readonly broken: Broken;
}

export abstract class History {
  protected readonly random: RandomSim;
  protected readonly ends: Ends;
  protected readonly broken: Broken;
  readonly #tally: Tally;
  readonly #work: Promise<void>[] = [];
  #failure: { error: unknown } | null = null;

  constructor({ seed, ends, tally, broken }: HistoryOptions) {
    this.random = new RandomSim(seed);
    this.ends = ends;
    this.broken = broken;
    this.#tally = tally;
  }

  /** @throws AssertionError at the first byte that is wrong */
  async play(steps: number): Promise<void> {
    for (let step = 0; step < steps && this.#failure === null; step += 1) {
      this.step();
      await turns(this.random.pick([0, 0, 0, 1, 1, 2, 4]));
    }
    await this.end();
    if (this.#failure !== null) throw this.#failure.error;
  }

  protected abstract step(): void;
  protected abstract end(): Promise<void>;

  protected count(what: string, by = 1): void {
    this.#tally.counts[what] = (this.#tally.counts[what] ?? 0) + by;
  }

  protected countCall(name: string): void {
    this.#tally.calls[name] = (this.#tally.calls[name] ?? 0) + 1;
  }

  /** Goes on beside the steps, and is over before the end. */
  protected begin(work: Promise<unknown>): void {
    const failed = (error: unknown) => {
      this.#failure ??= { error };
    };
    this.#work.push(work.then(() => {}, failed));
  }

  protected async allWork(): Promise<void> {
    while (this.#work.length > 0) await Promise.all(this.#work.splice(0));
  }
}

export async function turns(count: number): Promise<void> {
  for (let turn = 0; turn < count; turn += 1) await new Promise((resolve) => setImmediate(resolve));
}

/** The bug of a pool that frees at the deadline: it does not notice, and goes on. */
export function free(buffer: ArrayBuffer): void {
  if (buffer.detached) return;
  buffer.transfer(0);
  Object.defineProperty(buffer, 'transfer', { value: () => buffer });
}
