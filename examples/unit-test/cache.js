// A cache that can be told how large it may be, and its driver: software that follows memory.
// #region cache
import { buffers, MiB } from 'hotadd';

export class Cache {
  maxBytes = 16 * MiB;
  heldBytes = 0;
  onResize = () => {};
  #kept = new Map();

  keep(key, bytes) {
    this.#kept.set(key, bytes);
    this.heldBytes += bytes.byteLength;
    this.resize(this.maxBytes);
  }

  resize(maxBytes) {
    this.maxBytes = maxBytes;
    for (const [key, bytes] of this.#kept) {
      if (this.heldBytes <= maxBytes) break;
      this.#kept.delete(key);
      this.heldBytes -= bytes.byteLength;
    }
    this.onResize();
  }
}

export function cacheDriver(cache) {
  return buffers('cache', {
    size: () => cache.maxBytes,
    held: () => cache.heldBytes,
    resize: (bytes) => cache.resize(bytes),
  });
}
// #endregion
