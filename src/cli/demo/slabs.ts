// Real memory of this process, for the cache of the demo whose size is no simulation: slabs that are written
// to when they are taken and given back to the operating system when they go, so that RSS has to follow.
import { MiB } from '../../core/bytes.ts';

export const SLAB_BYTES = 4 * MiB;
/** Memory of which no page has been written to takes none. */
const PAGE_BYTES = 4096;

export class Slabs {
  readonly #slabs: { readonly buffer: ArrayBuffer; readonly mark: number }[] = [];
  #taken = 0;

  get bytes(): number {
    return this.#slabs.length * SLAB_BYTES;
  }

  /** Takes or gives back whole slabs; the oldest stay. */
  resize(bytes: number): void {
    const count = Math.floor(bytes / SLAB_BYTES);
    while (this.#slabs.length < count) this.#slabs.push(this.#take());
    for (const { buffer } of this.#slabs.splice(count)) buffer.resize(0);
  }

  /** Whether every page of the oldest so many bytes reads back as it was written. */
  intact(bytes: number): boolean {
    const oldest = this.#slabs.slice(0, Math.floor(bytes / SLAB_BYTES));
    if (oldest.length * SLAB_BYTES < bytes) return false;
    return oldest.every(({ buffer, mark }) => {
      const read = new Uint8Array(buffer);
      for (let at = 0; at < SLAB_BYTES; at += PAGE_BYTES) if (read[at] !== mark) return false;
      return true;
    });
  }

  #take(): { buffer: ArrayBuffer; mark: number } {
    this.#taken += 1;
    const mark = 1 + (this.#taken % 255);
    const buffer = new ArrayBuffer(SLAB_BYTES, { maxByteLength: SLAB_BYTES });
    new Uint8Array(buffer).fill(mark);
    return { buffer, mark };
  }
}
