// Simulated time: it moves only when told to, and then timers fire in order. The twin of ClockOs (host/).
import type { Cancel, Clock } from '../core/clock.ts';
import { TimerQueue } from './timer-queue.ts';

const IDLE_TURNS_MOST = 10_000;

/** Time that moves only when told to, and then timers fire in order. */
export class ClockSim implements Clock {
  #nowMs = 0;
  readonly #timers = new TimerQueue();
  readonly #works = new Set<Promise<unknown>>();

  /** Simulated milliseconds since it was made. */
  monotonicMs(): number {
    return this.#nowMs;
  }

  /** Wall time begins on 2026-01-01, so that histories read alike in every run. */
  wallMs(): number {
    return 1_767_225_600_000 + this.#nowMs;
  }

  /** Calls back once, so many simulated milliseconds from now. Gives a function that cancels it. */
  after(delayMs: number, callback: () => void): Cancel {
    const timer = this.#timers.add(this.#nowMs + Math.max(0, delayMs), callback);
    return () => this.#timers.remove(timer);
  }

  /** Time stands still until this has settled; openPartition() loads its code so. */
  during(work: Promise<unknown>): void {
    const settle = (): void => {
      this.#works.delete(settled);
    };
    const settled: Promise<void> = work.then(settle, settle);
    this.#works.add(settled);
  }

  /** Lets time pass: every timer due in it fires, in order, with all that follows from it. */
  async advance(forMs: number): Promise<void> {
    const untilMs = this.#nowMs + forMs;
    await this.#turn();
    while (this.#timers.nextMs <= untilMs) await this.#fireNext();
    this.#nowMs = untilMs;
    await this.#turn();
  }

  /**
   * Lets time pass until the promise settles, and gives its result.
   * @throws Error when no timer is left that could settle it, or after `limitMs` of simulated time.
   */
  async until<Value>(promise: Promise<Value>, limitMs = 600_000): Promise<Value> {
    const untilMs = this.#nowMs + limitMs;
    let settled = false;
    const settle = () => {
      settled = true;
    };
    promise.then(settle, settle);
    await this.#turn();
    let idleTurns = 0;
    while (!settled) {
      if (this.#timers.nextMs === Number.POSITIVE_INFINITY) {
        // Something real (a socket, a file) may still be under way: it gets turns, but no simulated time.
        idleTurns += 1;
        if (idleTurns > IDLE_TURNS_MOST) throw new Error('nothing is left that could settle the promise');
        await this.#turn();
        continue;
      }
      if (this.#nowMs > untilMs)
        throw new Error(`the promise has not settled within ${limitMs} ms of simulated time`);
      await this.#fireNext();
    }
    return promise;
  }

  async #fireNext(): Promise<void> {
    const timer = this.#timers.take();
    if (timer === undefined) return;
    this.#nowMs = timer.atMs;
    timer.callback();
    await this.#turn();
  }

  /** A turn of the event loop; where work is under way, as many as that needs. */
  async #turn(): Promise<void> {
    await turn();
    while (this.#works.size > 0) {
      await Promise.all(this.#works);
      await turn();
    }
  }
}

/**
 * One turn of the event loop: every promise that can settle has settled after it. It costs about 1 us, where
 * what a partition does at a timer costs several times that: each timer has a turn, and what is real with it.
 */
function turn(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}
