// The author's form of a driver: a name, a size and a resize, and hotadd does the rest (D7).
import { formatBytes } from '../core/bytes.ts';
import type { Driver, DriverState, Setting, Target } from '../core/driver.ts';
import { HotaddError, Refusal } from '../core/errors.ts';
import { checkOptions, type KnownOptions, shown } from '../core/usage-check.ts';

/** What hotadd has to know of buffers, in bytes. */
export interface BuffersOptions {
  /** Bytes the buffers may take now. */
  readonly size: () => number;
  /**
   * Brings the buffers to at most so many bytes. May be asynchronous, and may take as long as 30 s; doing
   * it twice changes nothing.
   */
  readonly resize: (bytes: number) => void | Promise<void>;
  /** Bytes really held now. Default: what `size` says. */
  readonly held?: () => number;
  /** The smallest size the buffers can live with, in bytes; less is refused. Default: 0. */
  readonly floor?: number;
  /** The largest size they can use, in bytes. Default: none. */
  readonly ceiling?: number;
  /** Sizes are rounded down to multiples of so many bytes. Default: 1. */
  readonly step?: number;
}

/** The reason of a floor or a ceiling, in reports. */
const GIVEN = 'set by its author';

let instances = 0;

/**
 * A driver for buffers of this process, in one line: hotadd asks for their size and has them resized.
 * @param name unique in the partition, and stable.
 * @throws HotaddError HOTADD_BAD_DRIVER when size or resize is missing, or an option cannot be meant.
 */
export function buffers(name: string, options: BuffersOptions): Driver {
  checkBuffers(name, options);
  const { resize, floor = 0, ceiling = null, step = 1 } = options;
  // An author may count in fractions; the plan counts in whole bytes, and rather too many than too few.
  const size = () => Math.ceil(options.size());
  const held = () => Math.ceil((options.held ?? options.size)());
  instances += 1;
  const instance = `in this process, ${instances}`;
  const sizeSetting = (): Setting => ({ name: 'size', value: String(size()), live: true });
  const why = {
    ...(floor > 0 ? { floor: GIVEN } : {}),
    ...(ceiling === null ? {} : { ceiling: GIVEN }),
  };
  return {
    name,
    read: async (): Promise<DriverState> => ({
      costBytes: size(),
      heldBytes: held(),
      floorBytes: floor,
      ceilingBytes: ceiling,
      stepBytes: step,
      why,
      settings: [sizeSetting()],
      instance,
      home: 'self',
    }),
    resize: async (target: Target): Promise<Setting[]> => {
      if ('settings' in target) {
        await resize(Number(target.settings[0]?.value ?? size()));
        return [sizeSetting()];
      }
      const bytes = Math.floor(Math.min(target.bytes, ceiling ?? target.bytes) / step) * step;
      if (bytes < floor) throw new Refusal(`${name} needs ${formatBytes(floor)}`, floor);
      await resize(bytes);
      return [sizeSetting()];
    },
  };
}

const OPTIONS: KnownOptions<BuffersOptions> = {
  size: true,
  resize: true,
  held: true,
  floor: true,
  ceiling: true,
  step: true,
};
const LEAST = { floor: 0, ceiling: 0, step: 1 };
const GIVE = {
  size: 'give size: () => bytes',
  resize: 'give resize: (bytes) => { ... }',
  held: 'give held: () => bytes, or leave it out',
};

/** What is wrong here would be found when memory changes, and nobody looks then. */
function checkBuffers(name: string, options: BuffersOptions): void {
  if (typeof name !== 'string' || name.trim() === '') {
    const problem = typeof name === 'object' ? 'has no name' : `the name is ${shown(name)}`;
    throw badBuffers('buffers', problem, "give buffers('thumbnails', { size, resize })");
  }
  const place = `buffers ${name}`;
  for (const key of ['size', 'resize', 'held'] as const) {
    const given: unknown = options?.[key];
    if (typeof given === 'function' || (key === 'held' && given === undefined)) continue;
    throw badBuffers(
      place,
      given === undefined ? `it has no ${key}()` : `${key} is ${shown(given)}`,
      GIVE[key],
    );
  }
  checkOptions(place, options, OPTIONS, 'HOTADD_BAD_DRIVER');
  for (const key of ['floor', 'ceiling', 'step'] as const) {
    const given: unknown = options[key];
    if (given === undefined || (Number.isSafeInteger(given) && Number(given) >= LEAST[key])) continue;
    throw badBuffers(place, `${key} is ${shown(given)}`, `give whole bytes from ${LEAST[key]}`);
  }
  const { floor = 0, ceiling = floor } = options;
  if (ceiling < floor)
    throw badBuffers(place, `ceiling ${ceiling} is below floor ${floor}`, 'give a ceiling from floor on');
}

function badBuffers(place: string, problem: string, mend: string): HotaddError {
  return new HotaddError('HOTADD_BAD_DRIVER', problem, { place, mend });
}
