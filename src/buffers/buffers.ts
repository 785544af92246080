// The author's form of a driver: a name, a size and a resize, and hotadd does the rest (D7).
import type { Driver, DriverState, Setting, Target } from '../core/driver.ts';

export interface BuffersOptions {
  /** Bytes the buffers may take now. */
  readonly size: () => number;
  /** Brings the buffers to at most so many bytes. May be asynchronous; idempotent. */
  readonly resize: (bytes: number) => void | Promise<void>;
  /** Bytes really held now; default: what `size` says. */
  readonly held?: () => number;
  /** The smallest size the buffers can live with. Default: 0. */
  readonly floor?: number;
  /** The largest size they can use. Default: none. */
  readonly ceiling?: number;
  /** Sizes are rounded down to this. Default: 1. */
  readonly step?: number;
}

let instances = 0;

/**
 * A driver for buffers of this process.
 *
 * ```ts partition.register(buffers('thumbnails', { size: () => cache.bytes, resize: (bytes) =>
 * cache.setBytes(bytes) })); ```
 */
export function buffers(name: string, options: BuffersOptions): Driver {
  const { size, resize, held = size, floor = 0, ceiling = null, step = 1 } = options;
  instances += 1;
  const instance = `in this process, ${instances}`;
  const sizeSetting = (): Setting => ({ name: 'size', value: String(size()), live: true });
  return {
    name,
    read: async (): Promise<DriverState> => ({
      costBytes: size(),
      heldBytes: held(),
      floorBytes: floor,
      ceilingBytes: ceiling,
      stepBytes: step,
      settings: [sizeSetting()],
      instance,
      home: 'self',
    }),
    resize: async (target: Target): Promise<Setting[]> => {
      const bytes = 'bytes' in target ? target.bytes : Number(target.settings[0]?.value ?? size());
      await resize(Math.floor(bytes / step) * step);
      return [sizeSetting()];
    },
  };
}
