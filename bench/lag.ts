// How long the loop of a process keeps others waiting: a timer of 1 ms, and how late it is. A pause of 30 ms
// counts as what 30 timers of 1 ms would have seen, so that a percentile is one of time, not of timers.
import { createHistogram } from 'node:perf_hooks';

export interface LagFigures {
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly p999Ms: number;
  readonly worstMs: number;
  /** The most that this thread itself has computed in one turn; the rest of a pause is the machine's. */
  readonly mostCpuMs: number;
}

const EVERY_MS = 1;
const US_PER_MS = 1_000;

export class Lag {
  readonly #late = createHistogram({ lowest: 1, highest: 60_000 * US_PER_MS, figures: 3 });
  #dueMs = 0;
  #mostCpuMs = 0;

  constructor() {
    this.#wait();
  }

  get figures(): LagFigures {
    const ms = (us: number) => us / US_PER_MS;
    return {
      p50Ms: ms(this.#late.percentile(50)),
      p99Ms: ms(this.#late.percentile(99)),
      p999Ms: ms(this.#late.percentile(99.9)),
      worstMs: ms(this.#late.max),
      mostCpuMs: this.#mostCpuMs,
    };
  }

  forget(): void {
    this.#late.reset();
    this.#mostCpuMs = 0;
  }

  #wait(): void {
    this.#dueMs = performance.now() + EVERY_MS;
    const before = process.threadCpuUsage();
    setTimeout(() => {
      const { user, system } = process.threadCpuUsage(before);
      this.#mostCpuMs = Math.max(this.#mostCpuMs, (user + system) / US_PER_MS);
      let lateMs = performance.now() - this.#dueMs;
      do {
        this.#late.record(Math.max(1, Math.round(lateMs * US_PER_MS)));
        lateMs -= EVERY_MS;
      } while (lateMs > 0);
      this.#wait();
    }, EVERY_MS);
  }
}
