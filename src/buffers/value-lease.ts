// The lease of a value in a cache: the value where it lies, without a copy, which stays there until the lease
// is released.
import { valueBeginAt, valueLengthAt } from './cache-entry.ts';
import type { Segment } from './cache-segment.ts';
import { released } from './lease.ts';

/** The cache of a value. */
export interface ValueHome {
  readonly name: string;
  /** The last value in use of a segment was released. */
  onUnviewed(segment: Segment): void;
}

/** A value of a cache where it lies, which stays there unchanged until the lease is released. */
export class ValueLease {
  /** Where the value begins in `memory`. */
  readonly begin: number;
  /** Bytes of the value. */
  readonly length: number;
  readonly #home: ValueHome;
  #segment: Segment | null;

  /** @internal */
  constructor(segment: Segment, offset: number, home: ValueHome) {
    this.begin = valueBeginAt(segment, offset);
    this.length = valueLengthAt(segment, offset);
    this.#home = home;
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
    if (this.#segment === null) throw released(this.#home.name, 'used');
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
    if (segment === null) throw released(this.#home.name, 'released');
    this.#segment = null;
    if (segment.unview()) this.#home.onUnviewed(segment);
  }

  /** For `using`. A lease that was released before is left alone. */
  [Symbol.dispose](): void {
    if (this.#segment !== null) this.release();
  }
}
