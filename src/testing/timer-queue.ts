// The timers of simulated time: a binary heap, so that one of n timers is added, taken and cancelled in
// O(log n). They come by time, and those of one moment in the order in which they were added.

export interface Timer {
  readonly atMs: number;
  readonly order: number;
  readonly callback: () => void;
  /** Its place in the heap; -1: it has been taken or cancelled. */
  place: number;
}

export class TimerQueue {
  readonly #heap: Timer[] = [];
  #order = 0;

  /** When the next one is due; Infinity: there is none. */
  get nextMs(): number {
    return this.#heap[0]?.atMs ?? Number.POSITIVE_INFINITY;
  }

  add(atMs: number, callback: () => void): Timer {
    const timer: Timer = { atMs, order: this.#order++, callback, place: this.#heap.length };
    this.#heap.push(timer);
    this.#rise(timer);
    return timer;
  }

  /** Takes the next one out. */
  take(): Timer | undefined {
    const [first] = this.#heap;
    if (first !== undefined) this.remove(first);
    return first;
  }

  /** One that is not there any longer is left alone. */
  remove(timer: Timer): void {
    const { place } = timer;
    if (place < 0) return;
    timer.place = -1;
    const last = this.#heap.pop();
    if (last === undefined || last === timer) return;
    this.#put(last, place);
    this.#rise(last);
    this.#sink(last);
  }

  #put(timer: Timer, place: number): void {
    this.#heap[place] = timer;
    timer.place = place;
  }

  #rise(timer: Timer): void {
    while (timer.place > 0) {
      const { place } = timer;
      const above = this.#heap[(place - 1) >> 1];
      if (above === undefined || isBefore(above, timer)) return;
      this.#put(timer, above.place);
      this.#put(above, place);
    }
  }

  #sink(timer: Timer): void {
    for (;;) {
      const { place } = timer;
      const left = this.#heap[2 * place + 1];
      const right = this.#heap[2 * place + 2];
      const below = left !== undefined && right !== undefined && isBefore(right, left) ? right : left;
      if (below === undefined || isBefore(timer, below)) return;
      this.#put(timer, below.place);
      this.#put(below, place);
    }
  }
}

function isBefore(one: Timer, other: Timer): boolean {
  return one.atMs < other.atMs || (one.atMs === other.atMs && one.order < other.order);
}
