// How hints reach whoever listens (N15, N19): late, in another order than that of two files, twice, merged
// into one, or never. What they are about has happened by then (N8).
import type { Clock } from '../core/clock.ts';
import type { RandomSim } from './random-sim.ts';

export interface DeliveryOptions {
  /** How late a hint is: the least and the most, in ms. Default: it is there at once. */
  readonly delayMs?: readonly [number, number];
  /** Share of the hints that come twice. */
  readonly duplicated?: number;
  /** Share of the hints that never come, and nobody is told. */
  readonly lost?: number;
  /** Share of the uevents that are lost in an overflow, which the listener is told. */
  readonly overflowed?: number;
}

export class DeliverySim {
  readonly #clock: Clock;
  readonly #random: RandomSim;
  /** May change while the system runs. */
  options: DeliveryOptions;
  /** Hints of one file that are under way are one hint. */
  readonly #underWay = new Set<string>();
  #starts = 0;

  constructor(clock: Clock, random: RandomSim, options: DeliveryOptions = {}) {
    this.#clock = clock;
    this.#random = random;
    this.options = options;
  }

  /** A uevent: each stands alone. @param onLost tells that some were lost. */
  uevent(tell: () => void, onLost: () => void): void {
    const { overflowed = 0 } = this.options;
    if (overflowed > 0 && this.#random.chance(overflowed)) this.#later(onLost);
    else this.#send(tell);
  }

  /** A hint about a file: several that are under way are one. */
  hint(path: string, tell: () => void): void {
    if (this.#underWay.has(path)) return;
    this.#underWay.add(path);
    const sent = this.#send(() => {
      this.#underWay.delete(path);
      tell();
    });
    if (!sent) this.#underWay.delete(path);
  }

  /** The system starts again: nobody is left who waits for what is under way. */
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
