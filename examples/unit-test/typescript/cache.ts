// The cache of the unit tests, in TypeScript.
// #region cache
import { buffers, type Driver, MiB } from 'hotadd';

export class Cache {
  maxBytes = 16 * MiB;
  heldBytes = 0;
  onResize = () => {};
  #kept = new Map<number, { byteLength: number }>();

  keep(key: number, bytes: { byteLength: number }): void {
    this.#kept.set(key, bytes);
    this.heldBytes += bytes.byteLength;
    this.resize(this.maxBytes);
  }

  resize(maxBytes: number): void {
    this.maxBytes = maxBytes;
    for (const [key, bytes] of this.#kept) {
      if (this.heldBytes <= maxBytes) break;
      this.#kept.delete(key);
      this.heldBytes -= bytes.byteLength;
    }
    this.onResize();
  }
}

export function cacheDriver(cache: Cache): Driver {
  return buffers('cache', {
    size: () => cache.maxBytes,
    held: () => cache.heldBytes,
    resize: (bytes) => cache.resize(bytes),
  });
}
// #endregion
