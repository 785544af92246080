// Deadlines for any number of calls on one shared timer. Calls that share a delay expire in the order in
// which they came, so each delay is a queue; adding and removing cost O(1).
import type { Cancel, Clock } from './clock.ts';

export interface Guarded {
  settle(): void;
}

interface Entry extends Guarded {
  readonly atMs: number;
  readonly onExpire: () => void;
}

export class Deadlines {
  readonly #clock: Clock;
  readonly #queues = new Map<number, Set<Entry>>();
  #timer: { atMs: number; cancel: Cancel } | null = null;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Calls `onExpire` after `delayMs` unless settled before. */
  guard(delayMs: number, onExpire: () => void): Guarded {
    let queue = this.#queues.get(delayMs);
    if (queue === undefined) {
      queue = new Set();
      this.#queues.set(delayMs, queue);
    }
    const entries = queue;
    const entry: Entry = {
      atMs: this.#clock.monotonicMs() + delayMs,
      onExpire,
      settle: () => {
        entries.delete(entry);
        if (entries.size === 0) this.#rearm();
      },
    };
    entries.add(entry);
    if (entries.size === 1) this.#rearm();
    return entry;
  }

  /** Resolves after `delayMs`. */
  pause(delayMs: number): Promise<void> {
    return new Promise((resolve) => {
      this.guard(delayMs, resolve);
    });
  }

  /**
   * The outcome of a promise, or `onLate` when it has none in time. A late outcome is given to `afterLate`.
   */
  race<Value, Late>(
    promise: Promise<Value>,
    delayMs: number,
    onLate: () => Late,
    afterLate?: () => void,
  ): Promise<Value | Late> {
    return new Promise((resolve, reject) => {
      let late = false;
      const guarded = this.guard(delayMs, () => {
        late = true;
        resolve(onLate());
      });
      promise.then(
        (value) => {
          if (late) return afterLate?.();
          guarded.settle();
          resolve(value);
        },
        (error: unknown) => {
          if (late) return afterLate?.();
          guarded.settle();
          reject(error);
        },
      );
    });
  }

  #rearm(): void {
    let atMs = Number.POSITIVE_INFINITY;
    for (const queue of this.#queues.values()) {
      const [first] = queue;
      if (first !== undefined && first.atMs < atMs) atMs = first.atMs;
    }
    if (this.#timer?.atMs === atMs) return;
    this.#timer?.cancel();
    this.#timer = null;
    if (atMs === Number.POSITIVE_INFINITY) return;
    const delayMs = Math.max(1, atMs - this.#clock.monotonicMs());
    this.#timer = { atMs, cancel: this.#clock.after(delayMs, () => this.#expire()) };
  }

  #expire(): void {
    this.#timer = null;
    const nowMs = this.#clock.monotonicMs();
    for (const queue of this.#queues.values()) {
      for (const entry of queue) {
        if (entry.atMs > nowMs) break;
        queue.delete(entry);
        entry.onExpire();
      }
    }
    this.#rearm();
  }
}
