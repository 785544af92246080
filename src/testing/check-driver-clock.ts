// Time of a driver check: real, or what the author's `pause` makes of it. The production shell waits through
// it for seconds of proof; where the driver is at rest and nobody of it is waited for, that time is skipped,
// so that a run takes as long as the driver takes and no longer.
import type { Cancel, Clock } from '../core/clock.ts';

/** What a clock has to know of a driver before it skips time. */
export interface Activity {
  /** No call is under way, and nothing moves that more time would bring to an end. */
  readonly quiet: boolean;
  /** Resolves at the next return of a call. */
  returned(): Promise<unknown>;
}

export type Pause = (delayMs: number) => Promise<unknown>;

/** Taken when the kit is loaded: fake timers that a runner puts in place later do not stop it. */
const { setTimeout: realTimeout, setImmediate: realImmediate = setTimeout } = globalThis;
const SLICE_MS = 5;

interface Timer {
  readonly atMs: number;
  readonly callback: () => void;
}

export const LATE = Symbol('late');

export class CheckClock implements Clock {
  /** `null`: time passes as it does. */
  activity: Activity | null = null;
  readonly #pause: Pause | null;
  #nowMs = 0;
  #timers: Timer[] = [];
  #running = false;
  #stopped = false;

  constructor(pause: Pause | null) {
    this.#pause = pause;
  }

  monotonicMs(): number {
    return this.#nowMs;
  }

  wallMs(): number {
    return this.#nowMs;
  }

  after(delayMs: number, callback: () => void): Cancel {
    if (this.#stopped) return () => undefined;
    const timer: Timer = { atMs: this.#nowMs + Math.max(0, delayMs), callback };
    const index = this.#timers.findIndex(({ atMs }) => atMs > timer.atMs);
    this.#timers.splice(index === -1 ? this.#timers.length : index, 0, timer);
    if (!this.#running) void this.#run();
    return () => {
      this.#timers = this.#timers.filter((other) => other !== timer);
    };
  }

  pause(delayMs: number): Promise<void> {
    return new Promise((resolve) => {
      this.after(delayMs, resolve);
    });
  }

  /** What a promise gives, or `LATE`. */
  within<Value>(promise: Promise<Value>, delayMs: number): Promise<Value | typeof LATE> {
    return new Promise((resolve, reject) => {
      const cancel = this.after(delayMs, () => resolve(LATE));
      promise.finally(cancel).then(resolve, reject);
    });
  }

  /** Nothing is called any more, neither what waits nor what the dead begin to wait for. */
  stop(): void {
    this.#stopped = true;
    this.#timers = [];
  }

  async #run(): Promise<void> {
    this.#running = true;
    while (this.#timers.length > 0) {
      await turn();
      const [first] = this.#timers;
      if (first === undefined) break;
      if (first.atMs <= this.#nowMs) {
        this.#timers.shift();
        first.callback();
      } else if (this.activity?.quiet) this.#nowMs = first.atMs;
      else await this.#pass(Math.min(SLICE_MS, first.atMs - this.#nowMs));
    }
    this.#running = false;
  }

  /** A slice counts as what it was meant to be: on a busy machine no deadline passes early. */
  async #pass(delayMs: number): Promise<void> {
    const slept = this.#pause?.(delayMs) ?? new Promise((resolve) => realTimeout(resolve, delayMs));
    const returned = this.#pause === null ? this.activity?.returned() : undefined;
    const early = returned?.then(() => LATE);
    const first = await Promise.race(early === undefined ? [slept] : [slept, early]);
    if (first !== LATE) this.#nowMs += delayMs;
  }
}

/** One turn of the event loop: every promise that can settle has settled after it. */
function turn(): Promise<void> {
  return new Promise((resolve) => {
    realImmediate(() => resolve());
  });
}
