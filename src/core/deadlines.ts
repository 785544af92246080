// Deadlines for any number of calls on one shared timer. Calls that share a delay expire in the order in
// which they came, so each delay is a queue; adding and removing cost O(1).
import type { Cancel, Clock } from './clock.ts';

/** One call that is waited for, in the queue of its delay. */
class Entry {
  readonly atMs: number;
  readonly onExpire: () => void;
  readonly queue: Queue;
  before: Entry | null = null;
  after: Entry | null = null;
  waits = true;

  constructor(queue: Queue, atMs: number, onExpire: () => void) {
    this.queue = queue;
    this.atMs = atMs;
    this.onExpire = onExpire;
  }
}

/** Linked through its entries: 100,000 of them come and go without a table that grows and is searched. */
class Queue {
  first: Entry | null = null;
  last: Entry | null = null;

  add(entry: Entry): void {
    entry.before = this.last;
    if (this.last === null) this.first = entry;
    else this.last.after = entry;
    this.last = entry;
  }

  remove(entry: Entry): void {
    if (entry.before === null) this.first = entry.after;
    else entry.before.after = entry.after;
    if (entry.after === null) this.last = entry.before;
    else entry.after.before = entry.before;
    entry.before = null;
    entry.after = null;
    entry.waits = false;
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
   * The outcome of a promise, or `onLate` when it has none in time. A late outcome is given to `afterLate`.
   */
  race<Value, Late>(
    promise: Promise<Value>,
    delayMs: number,
    onLate: () => Late,
    afterLate?: () => void,
  ): Promise<Value | Late> {
    return new Promise((resolve, reject) => {
      const entry = this.#wait(delayMs, () => resolve(onLate()));
      promise.then(
        (value) => (this.#settle(entry) ? resolve(value) : afterLate?.()),
        (error: unknown) => (this.#settle(entry) ? reject(error) : afterLate?.()),
      );
    });
  }

  #wait(delayMs: number, onExpire: () => void): Entry {
    let queue = this.#queues.get(delayMs);
    if (queue === undefined) {
      queue = new Queue();
      this.#queues.set(delayMs, queue);
    }
    const entry = new Entry(queue, this.#clock.monotonicMs() + delayMs, onExpire);
    queue.add(entry);
    if (queue.first === entry) this.#rearm();
    return entry;
  }

  /** False: it came too late. */
  #settle(entry: Entry): boolean {
    if (!entry.waits) return false;
    entry.queue.remove(entry);
    if (entry.queue.first === null) this.#rearm();
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
