// A slab: memory that comes from the operating system as one mapping and goes back to it as one. Leases are
// carved from it as they are asked for, and their views are kept for the next one.
//
//   | carved | carved | carved | not carved yet, not touched yet        |
//      free    leased   free     slabs go back only when nothing is leased
//
// How memory goes back is measured, on Node 22 to 26: dropping a buffer waits for the garbage collector.
// transfer(0) frees at once, but glibc keeps what is below its largest mmap threshold, 32 MiB on 64 bits
// (mallopt(3), DEFAULT_MMAP_THRESHOLD_MAX); a resizable buffer is a mapping of its own at every size. Not
// resize(0): it writes zeros over the pages first, also over those that were never touched.
import { MiB } from '../core/bytes.ts';
import type { Leased } from './lease.ts';

/** Smaller slabs are resizable buffers. Those are slower element by element, and alike for bulk bytes. */
export const FIXED_LEAST_BYTES = 32 * MiB;
const TOUCH_EVERY_BYTES = 4096;

/** Who has the slab. */
export interface SlabHome {
  readonly name: string;
  /** A full slab has room again, or the last lease of a slab is back. */
  onRoom(slab: Slab): void;
}

export class Slab implements Leased {
  /** Asked back: it hands out nothing more. */
  recalled = false;
  /** Pieces that are out. */
  leases = 0;
  /** Of these: pieces that cannot come back soon. */
  pins = 0;
  readonly #home: SlabHome;
  readonly #bytes: Uint8Array<ArrayBuffer>;
  /** Not asked of the buffer: where some are resizable, their length is slow to tell. */
  readonly #slabBytes: number;
  readonly #leaseBytes: number;
  readonly #free: Uint8Array<ArrayBuffer>[] = [];
  #carvedBytes = 0;
  #touchedBytes = 0;

  constructor(home: SlabHome, slabBytes: number, leaseBytes: number) {
    this.#home = home;
    const resizable = slabBytes < FIXED_LEAST_BYTES;
    const buffer = new ArrayBuffer(slabBytes, resizable ? { maxByteLength: slabBytes } : undefined);
    this.#bytes = new Uint8Array(buffer, 0, slabBytes);
    this.#slabBytes = slabBytes;
    this.#leaseBytes = leaseBytes;
  }

  get name(): string {
    return this.#home.name;
  }

  get hasRoom(): boolean {
    return this.#free.length > 0 || this.#carvedBytes < this.#slabBytes;
  }

  /** Bytes that may have been touched, so that the kernel has given pages for them. */
  get heldBytes(): number {
    return Math.max(this.#carvedBytes, this.#touchedBytes);
  }

  /** A piece; `null`: there is no room. */
  take(): Uint8Array<ArrayBuffer> | null {
    const view = this.#free.pop() ?? this.#carve();
    if (view !== null) this.leases += 1;
    return view;
  }

  takeBack(view: Uint8Array<ArrayBuffer>): void {
    this.leases -= 1;
    if (this.#free.push(view) === 1 || this.leases === 0) this.#home.onRoom(this);
  }

  /** Has the kernel give pages before they are needed; only before the first lease. True: all are there. */
  touch(bytes: number): boolean {
    const end = Math.min(this.#touchedBytes + bytes, this.#slabBytes);
    for (let at = this.#touchedBytes; at < end; at += TOUCH_EVERY_BYTES) this.#bytes[at] = 0;
    this.#touchedBytes = end;
    return end === this.#slabBytes;
  }

  /** Gives the memory back, at once. Under I/O that would let the kernel write into memory of others. */
  release(): void {
    if (this.leases > 0) throw new Error('a slab with leases is not released');
    this.#bytes.buffer.transfer(0);
  }

  #carve(): Uint8Array<ArrayBuffer> | null {
    const begin = this.#carvedBytes;
    if (begin === this.#slabBytes) return null;
    this.#carvedBytes += this.#leaseBytes;
    return this.#bytes.subarray(begin, this.#carvedBytes);
  }
}
