// lru-cache sets max and maxSize when a cache is made, and never again. Below that a cache can be held from
// outside, by what lru-cache itself offers: pop() evicts the entry used longest ago, and maxEntrySize says
// which entry is too large to be kept. So the size of its making is the ceiling of this driver.

import { formatBytes } from '../core/bytes.ts';
import type { Driver } from '../core/driver.ts';
import { instanceOf, type Knob, knobDriver } from './knob.ts';
import { type Kept, LruBound } from './lru-cache-bound.ts';
import { badOption, expectCount, expectMethods } from './options.ts';

/** A cache of lru-cache 11. */
export type LruCache = Kept;

export interface LruCacheOptions {
  /** Bytes that one entry takes on average; for a cache with `max` alone, which counts entries. */
  readonly bytesPerEntry?: number;
  /** Bytes of one unit of size, where `sizeCalculation` counts something else. Default: 1. */
  readonly bytesPerSize?: number;
}

/** @throws HotaddError HOTADD_BAD_USAGE */
export function lruCacheDriver(name: string, cache: LruCache, options: LruCacheOptions = {}): Driver {
  expectMethods(name, 'a cache of lru-cache', cache, ['pop', 'purgeStale', 'set', 'fetch', 'load']);
  const sized = cache.maxSize > 0;
  const unitBytes = sized ? sizeUnit(name, options) : entryUnit(name, cache, options);
  const setting = sized ? 'maxSize' : 'max';
  const bound = LruBound.of(cache);
  const made = `${setting} of ${bound.made} (${formatBytes(bound.made * unitBytes)})`;
  const knob: Knob = {
    setting,
    unitBytes,
    floor: { units: 1, why: 'lru-cache takes 0 for "no limit"' },
    ceiling: { units: bound.made, why: `${made} was fixed when the cache was made` },
    instance: instanceOf(cache),
    home: 'self',
    read: () => ({
      units: bound.units,
      heldBytes: bound.used * unitBytes,
      // Only what bypasses the methods of the cache comes to this.
      ...(bound.used > bound.units
        ? { whyHeld: 'the next entry that is added evicts what is too much' }
        : {}),
    }),
    set: (units, signal) => bound.setUnits(Math.min(units, bound.made), signal),
  };
  return knobDriver(name, knob);
}

function sizeUnit(name: string, { bytesPerEntry, bytesPerSize = 1 }: LruCacheOptions): number {
  if (bytesPerEntry === undefined) return expectCount(name, 'bytesPerSize', bytesPerSize);
  const problem = 'bytesPerEntry is given, and the cache has maxSize, so it counts sizes';
  throw badOption(name, problem, 'leave bytesPerEntry out; where a size is not a byte, give bytesPerSize');
}

function entryUnit(name: string, cache: LruCache, { bytesPerEntry }: LruCacheOptions): number {
  if (cache.max < 1) {
    const problem = 'the cache has neither maxSize nor max, so nothing limits it';
    throw badOption(name, problem, 'make it with maxSize, as large as it may ever become');
  }
  if (bytesPerEntry !== undefined) return expectCount(name, 'bytesPerEntry', bytesPerEntry);
  const problem = 'the cache has max alone, so it counts entries';
  throw badOption(name, problem, 'give bytesPerEntry, or make the cache with maxSize and sizeCalculation');
}
