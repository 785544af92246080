// The lease of a value in a cache: the value where it lies, without a copy, which stays there until the lease
// is released.
import { valueBeginAt, valueLengthAt } from './cache-entry.ts';
import type { Segment } from './cache-segment.ts';
import { released } from './lease.ts';

/** A value of a cache where it lies, which stays there unchanged until the lease is released. */
export class ValueLease {
  /** Where the value begins in `memory`. */
  readonly begin: number;
  /** Bytes of the value. */
  readonly length: number;
  readonly #onUnviewed: (segment: Segment) => void;
  #segment: Segment | null;

  /** @internal */
  constructor(segment: Segment, offset: number, onUnviewed: (segment: Segment) => void) {
    this.begin = valueBeginAt(segment, offset);
    this.length = valueLengthAt(segment, offset);
    this.#onUnviewed = onUnviewed;
    this.#segment = segment;
    segment.view();
  }

  /**
   * The value, as a view that is made at each access. Do not write to it, and do not keep it: after the
   * release other values are there.
   * @throws HotaddError HOTADD_RELEASED
   */
  get bytes(): Uint8Array<ArrayBuffer> {
    return this.memory.subarray(this.begin, this.begin + this.length);
  }

  /**
   * The memory that the value lies in, from `begin` on, with others before and after it: for loops that
   * cannot afford a view for each value.
   * @throws HotaddError HOTADD_RELEASED
   */
  get memory(): Uint8Array<ArrayBuffer> {
    if (this.#segment === null) throw released('used');
    return this.#segment.bytes;
  }

  /** True: a shrink waits for this lease. Release it when you can. */
  get recalled(): boolean {
    return this.#segment?.lease.recalled ?? false;
  }

  /**
   * Lets the value go, once.
   * @throws HotaddError HOTADD_RELEASED the second time.
   */
  release(): void {
    const segment = this.#segment;
    if (segment === null) throw released('released');
    this.#segment = null;
    if (segment.unview()) this.#onUnviewed(segment);
  }

  /** For `using`. A lease that was released before is left alone. */
  [Symbol.dispose](): void {
    if (this.#segment !== null) this.release();
  }
}
