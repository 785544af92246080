// The time of this process, for buffers that are given no clock of their own. A deadline that waits keeps no
// program alive; work that has begun goes on at the next turn of the loop.
import type { Clock } from '../core/clock.ts';

const LONGEST_TIMER_MS = 2 ** 31 - 1;

export const CLOCK_PROCESS: Clock = {
  monotonicMs: () => performance.now(),
  wallMs: () => Date.now(),
  after: (delayMs, callback) => {
    if (delayMs <= 0) {
      const immediate = setImmediate(callback);
      return () => clearImmediate(immediate);
    }
    const timer = setTimeout(callback, Math.min(delayMs, LONGEST_TIMER_MS)).unref();
    return () => clearTimeout(timer);
  },
};
