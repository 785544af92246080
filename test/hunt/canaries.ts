// Ordinary memory of the process, asked for right after slabs have gone back, so that it lies where they
// were: what still writes there is seen in it.
import assert from 'node:assert/strict';
import { KiB } from '../../src/core/bytes.ts';

const MOST = 6;
const PATTERN = 0x5a;
const SMALL = 32 * KiB;
const EVERY_BYTES = 512;

export class Canaries {
  readonly #ordinary: Buffer[] = [];
  readonly #slabs: Uint8Array[] = [];
  readonly #seen = new Set<ArrayBuffer>();
  readonly #leaseBytes: number;

  /** @param leaseBytes where a lease begins, something is written */
  constructor(leaseBytes: number) {
    this.#leaseBytes = leaseBytes;
  }

  /** Slabs that there were, to be seen to go. */
  watch(buffer: ArrayBuffer): void {
    this.#seen.add(buffer);
  }

  /** Asks for memory of the kinds of those that are gone. */
  lay(slabBytes: number, resizable: boolean): number {
    let gone = 0;
    for (const buffer of this.#seen) {
      if (!buffer.detached) continue;
      this.#seen.delete(buffer);
      gone += 1;
      if (this.#slabs.length >= MOST) continue;
      const options = resizable ? { maxByteLength: slabBytes } : {};
      const slab = new Uint8Array(new ArrayBuffer(slabBytes, options), 0, slabBytes);
      for (const at of this.#places(slabBytes)) slab[at] = PATTERN;
      this.#slabs.push(slab);
      this.#ordinary.push(Buffer.alloc(SMALL, PATTERN), Buffer.alloc(SMALL / 2, PATTERN));
    }
    return gone;
  }

  check(): void {
    for (const buffer of this.#ordinary)
      assert.ok(
        buffer.every((byte) => byte === PATTERN),
        'ordinary memory was overwritten',
      );
    for (const slab of this.#slabs)
      for (const at of this.#places(slab.length))
        assert.equal(slab[at], PATTERN, 'memory that took the place of a slab was overwritten');
  }

  /** Where leases were: some bytes of the first 32 KiB of each. */
  *#places(slabBytes: number): Generator<number> {
    for (let lease = 0; lease < slabBytes; lease += this.#leaseBytes)
      for (let at = 0; at < Math.min(SMALL, this.#leaseBytes); at += EVERY_BYTES) yield lease + at;
  }
}
