// A lease of a piece of memory. A slab with leases never goes back to the system.
import { HotaddError } from '../core/errors.ts';

/** What a lease is of. */
export interface Leased {
  /** Of the pool, for errors. */
  readonly name: string;
  readonly recalled: boolean;
  /** Leases of it that cannot come back soon. */
  pins: number;
  takeBack(view: Uint8Array<ArrayBuffer>): void;
}

/**
 * The right to use a piece of a pool's memory until it is released. The memory stays where it is meanwhile,
 * so release it after the last read, write or socket call on its bytes has called back.
 */
export class Lease {
  readonly #of: Leased;
  #view: Uint8Array<ArrayBuffer> | null;

  /** @internal */
  constructor(of: Leased, view: Uint8Array<ArrayBuffer>) {
    this.#of = of;
    this.#view = view;
  }

  /**
   * The memory. What an earlier lease wrote may still be in it. Take it anew from the lease instead of
   * keeping it: after release it belongs to the next lease, or to nobody and is empty.
   * @throws HotaddError HOTADD_RELEASED
   */
  get bytes(): Uint8Array<ArrayBuffer> {
    if (this.#view === null) throw released(this.#of.name, 'used');
    return this.#view;
  }

  /** True: a shrink waits for this lease. Release it when you can. */
  get recalled(): boolean {
    return this.#view !== null && this.#of.recalled;
  }

  /**
   * Gives the memory back, once.
   * @throws HotaddError HOTADD_RELEASED the second time.
   */
  release(): void {
    const view = this.#view;
    if (view === null) throw released(this.#of.name, 'released');
    this.#view = null;
    this.#of.takeBack(view);
  }

  /** For `using`. A lease that was released before is left alone. */
  [Symbol.dispose](): void {
    if (this.#view !== null) this.release();
  }

  /**
   * Says that others should rather be recalled than this one (1), or takes that back (-1).
   * @internal
   */
  pin(by: 1 | -1): void {
    this.#of.pins += by;
  }
}

/** A lease of `place` that is `used` or `released` when it is over. */
export function released(place: string, what: string): HotaddError {
  const mend = 'release it once, after the last read or write on its bytes has called back';
  return new HotaddError('HOTADD_RELEASED', `a lease is ${what} after its release`, { place, mend });
}
