// ByteCache itself as a contender: values of the right length, written and read, and nothing looked at.
import { ByteCache } from '../src/buffers/byte-cache.ts';
import { KiB } from '../src/core/bytes.ts';
import { valueBytesOf } from './cache-traces.ts';
import type { EvictionPolicy } from './eviction-policies.ts';
import { segmentBytesFor } from './segment-model.ts';

export class ByteCacheContender implements EvictionPolicy {
  readonly #cache: ByteCache;
  readonly #value = new Uint8Array(16 * KiB);

  constructor(bytes: number) {
    const segmentBytes = segmentBytesFor(bytes);
    this.#cache = new ByteCache('bench', { bytes, slabBytes: segmentBytes, segmentBytes });
  }

  ask(key: number): boolean {
    const lease = this.#cache.get(String(key));
    lease?.release();
    if (lease === null) this.#cache.set(String(key), this.#value.subarray(0, valueBytesOf(key)));
    return lease !== null;
  }

  close(): void {
    void this.#cache.close();
  }
}
