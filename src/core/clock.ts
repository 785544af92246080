// The seam for time. Two clocks (E10): monotonic for deadlines, hold and settling; wall time for people.
// The host's twin is ClockOs (host/), the simulated one is ClockSim (testing/).

export type Cancel = () => void;

export interface Clock {
  /** Milliseconds from an arbitrary start; never goes back. */
  monotonicMs(): number;
  /** Milliseconds since 1970, as people read it; may jump. */
  wallMs(): number;
  /** Calls back once, `delayMs` from now; 0 means after what is waiting now, without delay. */
  after(delayMs: number, callback: () => void): Cancel;
  /**
   * Told of work that no passing of time brings to an end, such as loading code: simulated time stands still
   * until it has settled. A clock that is real leaves it out.
   */
  during?(work: Promise<unknown>): void;
}

/** Resolves after `delayMs`, or at once when the signal aborts; never rejects. */
export function pause(clock: Clock, delayMs: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal?.aborted) return resolve();
    const finish = () => {
      cancel();
      signal?.removeEventListener('abort', finish);
      resolve();
    };
    const cancel = clock.after(delayMs, finish);
    signal?.addEventListener('abort', finish, { once: true });
  });
}
