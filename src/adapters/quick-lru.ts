// quick-lru keeps two generations of entries: the newer one fills up to maxSize while the older one stays for
// those that are read again. So it holds up to twice its maxSize, and that is what it costs.
import type { Driver } from '../core/driver.ts';
import { instanceOf, type Knob, knobDriver } from './knob.ts';
import { expectCount, expectMethods } from './options.ts';

/** A cache of quick-lru 7. */
export interface QuickLruCache {
  readonly maxSize: number;
  readonly size: number;
  resize(maxSize: number): void;
}

export interface QuickLruOptions {
  /** Bytes that one entry takes on average: key, value, and about 150 for the two maps. */
  readonly bytesPerEntry: number;
}

/** Its source, at each set: when the newer generation has maxSize entries it becomes the older one. */
const GENERATIONS = 2;

/** @throws HotaddError HOTADD_BAD_USAGE */
export function quickLruDriver(name: string, cache: QuickLruCache, options: QuickLruOptions): Driver {
  expectMethods(name, 'a cache of quick-lru', cache, ['resize', 'entriesAscending']);
  const unitBytes = GENERATIONS * expectCount(name, 'bytesPerEntry', options?.bytesPerEntry);
  const knob: Knob = {
    setting: 'maxSize',
    unitBytes,
    floor: { units: 1, why: 'quick-lru keeps at least one entry' },
    ceiling: null,
    instance: instanceOf(cache),
    home: 'self',
    // `size` counts an entry that is in both generations once and stops at maxSize: twice that is never less
    // than what is there.
    read: () => ({ units: cache.maxSize, heldBytes: cache.size * unitBytes }),
    set: (units) => {
      if (cache.maxSize !== units) cache.resize(units);
    },
  };
  return knobDriver(name, knob);
}
