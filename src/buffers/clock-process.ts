// The time of this process, for buffers that are given no clock of their own. A deadline keeps the program
// alive where somebody awaits it, since Node ends a program whose await nothing can end.
import type { Cancel, Clock } from '../core/clock.ts';

const LONGEST_TIMER_MS = 2 ** 31 - 1;

export const CLOCK_PROCESS: Clock = {
  monotonicMs: () => performance.now(),
  wallMs: () => Date.now(),
  after: (delayMs, callback) => {
    if (delayMs > 0) return cancelOf(timerOf(delayMs, callback));
    const immediate = setImmediate(callback);
    return () => clearImmediate(immediate);
  },
};

/** A wait that keeps no program alive, where the time is that of the process. */
export function afterUnawaited(clock: Clock, delayMs: number, callback: () => void): Cancel {
  if (clock !== CLOCK_PROCESS || delayMs <= 0) return clock.after(delayMs, callback);
  return cancelOf(timerOf(delayMs, callback).unref());
}

function timerOf(delayMs: number, callback: () => void): NodeJS.Timeout {
  return setTimeout(callback, Math.min(delayMs, LONGEST_TIMER_MS));
}

function cancelOf(timer: NodeJS.Timeout): Cancel {
  return () => clearTimeout(timer);
}
