// A cache of the demo. What it holds is real: slabs of memory of this process, written to when they are taken
// and given back to the operating system when it shrinks, so the process's own RSS has to follow.
import { buffers } from '../buffers/buffers.ts';
import { MiB } from '../core/bytes.ts';
import type { Driver } from '../core/driver.ts';

export const SLAB_BYTES = 4 * MiB;

export class DemoCache {
  readonly name: string;
  readonly driver: Driver;
  #slabs: ArrayBuffer[] = [];

  /** @param ready resolves when this change may touch the cache: its plan has been shown. */
  constructor(
    name: string,
    options: {
      readonly ceilingBytes?: number;
      readonly ready: () => Promise<void>;
      readonly onResize: (bytes: number) => void;
    },
  ) {
    const { ceilingBytes, ready, onResize } = options;
    this.name = name;
    this.driver = buffers(name, {
      size: () => this.heldBytes,
      resize: async (bytes) => {
        await ready();
        onResize(bytes);
        this.#resize(bytes);
      },
      step: SLAB_BYTES,
      ...(ceilingBytes === undefined ? {} : { ceiling: ceilingBytes }),
    });
  }

  get heldBytes(): number {
    return this.#slabs.length * SLAB_BYTES;
  }

  #resize(bytes: number): void {
    const count = Math.floor(bytes / SLAB_BYTES);
    while (this.#slabs.length < count) {
      const slab = new ArrayBuffer(SLAB_BYTES, { maxByteLength: SLAB_BYTES });
      // Memory that nobody has written to takes no pages.
      new Uint8Array(slab).fill(1);
      this.#slabs.push(slab);
    }
    for (const slab of this.#slabs.splice(count)) slab.resize(0);
  }
}
