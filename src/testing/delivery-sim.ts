// How hints reach whoever listens (N15, N19): late, in another order than that of two files, twice, merged
// into one, or never. What they are about has happened by then (N8).
import type { Clock } from '../core/clock.ts';
import type { RandomSim } from './random-sim.ts';

/** How hints travel. */
export interface DeliveryOptions {
  /** How late a hint is: the least and the most, in ms. Default: it is there at once. */
  readonly delayMs?: readonly [number, number];
  /** Share of the hints that come twice, from 0 to 1. Default: 0. */
  readonly duplicated?: number;
  /** Share of the hints that never come, and nobody is told. Default: 0. */
  readonly lost?: number;
  /** Share of the uevents that are lost in an overflow, which the listener is told. Default: 0. */
  readonly overflowed?: number;
}

/** How hints of one system travel: late, twice, never. */
export class DeliverySim {
  readonly #clock: Clock;
  readonly #random: RandomSim;
  /** May change while the system runs. */
  options: DeliveryOptions;
  /** Hints of one file that are under way are one hint. */
  readonly #underWay = new Set<string>();
  #starts = 0;

  /** Hints of one system. Chance is that of `random`. */
  constructor(clock: Clock, random: RandomSim, options: DeliveryOptions = {}) {
    this.#clock = clock;
    this.#random = random;
    this.options = options;
  }

  /** @internal Of the server, or of production code. */
  uevent(tell: () => void, onLost: () => void): void {
    const { overflowed = 0 } = this.options;
    if (overflowed > 0 && this.#random.chance(overflowed)) this.#later(onLost);
    else this.#send(tell);
  }

  /** @internal Of the server, or of production code. */
  hint(path: string, tell: () => void): void {
    if (this.#underWay.has(path)) return;
    this.#underWay.add(path);
    const sent = this.#send(() => {
      this.#underWay.delete(path);
      tell();
    });
    if (!sent) this.#underWay.delete(path);
  }

  /** @internal Of the server, or of production code. */
  dropAll(): void {
    this.#underWay.clear();
    this.#starts += 1;
  }

  #send(tell: () => void): boolean {
    const { lost = 0, duplicated = 0 } = this.options;
    if (lost > 0 && this.#random.chance(lost)) return false;
    this.#later(tell);
    if (duplicated > 0 && this.#random.chance(duplicated)) this.#later(tell);
    return true;
  }

  #later(tell: () => void): void {
    const { delayMs } = this.options;
    if (delayMs === undefined) {
      tell();
      return;
    }
    const starts = this.#starts;
    this.#clock.after(this.#random.between(...delayMs), () => {
      if (starts === this.#starts) tell();
    });
  }
}
