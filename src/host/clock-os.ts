// The real clock: the twin of ClockSim.
import type { Clock } from '../core/clock.ts';

const LONGEST_TIMER_MS = 2 ** 31 - 1;

/**
 * @param options.keepAlive default true: a timer that waits keeps the process alive, as an agent wants it. A
 * library inside somebody's program says false: its poll must not hold that program open. `after(0)` is
 * always waited for, because it only continues work that has begun.
 */
export function clockOs(options: { keepAlive?: boolean } = {}): Clock {
  const keepAlive = options.keepAlive ?? true;
  return {
    monotonicMs: () => performance.now(),
    wallMs: () => Date.now(),
    after: (delayMs, callback) => {
      if (delayMs <= 0) {
        const immediate = setImmediate(callback);
        return () => clearImmediate(immediate);
      }
      const timer = setTimeout(callback, Math.min(delayMs, LONGEST_TIMER_MS));
      if (!keepAlive) timer.unref();
      return () => clearTimeout(timer);
    },
  };
}
