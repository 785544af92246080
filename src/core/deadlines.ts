// Deadlines for any number of calls on one shared timer. Calls that share a delay expire in the order in
// which they came, so each delay is a queue; adding and removing cost O(1).
import type { Cancel, Clock } from './clock.ts';

/** One call that is waited for, in the queue of its delay. */
export class Waiting {
  readonly onExpire: () => void;
  atMs = 0;
  queue: Queue | null = null;
  before: Waiting | null = null;
  after: Waiting | null = null;

  constructor(onExpire: () => void) {
    this.onExpire = onExpire;
  }
}

/** Linked through its entries: 100,000 of them come and go without a table that grows and is searched. */
class Queue {
  first: Waiting | null = null;
  last: Waiting | null = null;

  add(entry: Waiting): void {
    entry.queue = this;
    entry.before = this.last;
    if (this.last === null) this.first = entry;
    else this.last.after = entry;
    this.last = entry;
  }

  remove(entry: Waiting): void {
    if (entry.before === null) this.first = entry.after;
    else entry.before.after = entry.after;
    if (entry.after === null) this.last = entry.before;
    else entry.after.before = entry.before;
    entry.before = null;
    entry.after = null;
    entry.queue = null;
  }
}

export class Deadlines {
  readonly #clock: Clock;
  readonly #queues = new Map<number, Queue>();
  #timer: { atMs: number; cancel: Cancel } | null = null;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Resolves after `delayMs`. */
  pause(delayMs: number): Promise<void> {
    return new Promise((resolve) => {
      this.#wait(delayMs, resolve);
    });
  }

  /**
   * The outcome of a promise, or `onLate` when it has none in time.
   * @param onEnd called when the promise settles, in time or late, before anybody hears of it.
   * @param onWait is handed the waiting, for `hurry`.
   */
  race<Value, Late>(
    promise: Promise<Value>,
    delayMs: number,
    onLate: () => Late,
    onEnd?: () => void,
    onWait?: (waiting: Waiting) => void,
  ): Promise<Value | Late> {
    return new Promise((resolve, reject) => {
      const entry = this.#wait(delayMs, () => resolve(onLate()));
      // A driver in plain JavaScript may give a value where a promise is due.
      Promise.resolve(promise).then(
        (value) => {
          onEnd?.();
          if (this.#settle(entry)) resolve(value);
        },
        (error: unknown) => {
          onEnd?.();
          if (this.#settle(entry)) reject(error);
        },
      );
      onWait?.(entry);
    });
  }

  /** Waits at most so much longer; what is over already stays so. */
  hurry(waiting: Waiting, delayMs: number): void {
    if (waiting.atMs <= this.#clock.monotonicMs() + delayMs || !this.#settle(waiting)) return;
    this.#queue(waiting, delayMs);
  }

  #wait(delayMs: number, onExpire: () => void): Waiting {
    const waiting = new Waiting(onExpire);
    this.#queue(waiting, delayMs);
    return waiting;
  }

  #queue(waiting: Waiting, delayMs: number): void {
    let queue = this.#queues.get(delayMs);
    if (queue === undefined) {
      queue = new Queue();
      this.#queues.set(delayMs, queue);
    }
    waiting.atMs = this.#clock.monotonicMs() + delayMs;
    queue.add(waiting);
    if (queue.first === waiting) this.#rearm();
  }

  /** False: it came too late. */
  #settle(entry: Waiting): boolean {
    const { queue } = entry;
    if (queue === null) return false;
    queue.remove(entry);
    if (queue.first === null) this.#rearm();
    return true;
  }

  #rearm(): void {
    let atMs = Number.POSITIVE_INFINITY;
    for (const queue of this.#queues.values()) {
      if (queue.first !== null && queue.first.atMs < atMs) atMs = queue.first.atMs;
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
      for (let entry = queue.first; entry !== null && entry.atMs <= nowMs; entry = queue.first) {
        queue.remove(entry);
        entry.onExpire();
      }
    }
    this.#rearm();
  }
}
