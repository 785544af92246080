// A cache of lru-cache with the driver that makes it follow memory. lru-cache.test.ts puts it to use.
// #region make
import { MiB } from 'hotadd';
import { lruCacheDriver } from 'hotadd/adapters';
import { LRUCache } from 'lru-cache';

export const pictures = new LRUCache<string, Uint8Array>({
  maxSize: 512 * MiB, // as large as it may ever become
  sizeCalculation: (picture) => picture.byteLength,
});
export const driver = lruCacheDriver('pictures', pictures);
// #endregion
