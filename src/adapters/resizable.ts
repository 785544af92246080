// A driver for anything that has `resize(n)`, whatever n counts: entries, pages, MiB. What it is set to is
// read back from the software, so a resize that does nothing is seen.
import type { Driver } from '../core/driver.ts';
import { instanceOf, type Knob, knobDriver } from './knob.ts';
import { badOption, expectCount, expectMethods } from './options.ts';

export interface Resizable {
  /** May be asynchronous; doing it twice changes nothing. */
  resize(units: number): unknown;
}

export interface ResizableOptions {
  /** Bytes of memory that one unit of `resize` may come to take. */
  readonly unitBytes: number;
  /** Units it may take now, read from the software itself. */
  readonly size: () => number | Promise<number>;
  /** Bytes really held now. Default: cannot be told, so a shrink is never proven. */
  readonly held?: () => number | Promise<number>;
  /** The least it can live with, in units. Default: 0. */
  readonly floor?: number;
  /** The most it can use, in units. Default: no ceiling. */
  readonly ceiling?: number;
  /** What the software calls its size. Default: `size`. */
  readonly setting?: string;
}

/** @throws HotaddError HOTADD_BAD_USAGE */
export function resizableDriver(name: string, software: Resizable, options: ResizableOptions): Driver {
  expectMethods(name, 'an object with resize()', software, ['resize']);
  const { size, held, floor = 0, ceiling = null, setting = 'size' } = options;
  if (typeof size !== 'function') {
    throw badOption(name, 'size is missing', 'give a function that tells the units set now');
  }
  const unitBytes = expectCount(name, 'unitBytes', options.unitBytes);
  const least = expectCount(name, 'floor', floor, 0);
  const most = ceiling === null ? null : expectCount(name, 'ceiling', ceiling, Math.max(1, least));
  const knob: Knob = {
    setting,
    unitBytes,
    floor: { units: least, why: `its floor is ${least}, set by its author` },
    ceiling: most === null ? null : { units: most, why: `its ceiling is ${most}, set by its author` },
    instance: instanceOf(software),
    home: 'self',
    read: async () => ({ units: await size(), heldBytes: held === undefined ? null : await held() }),
    set: async (units) => {
      if ((await size()) !== units) await software.resize(units);
    },
  };
  return knobDriver(name, knob);
}
