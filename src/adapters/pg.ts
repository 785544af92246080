// The pool of pg reads options.max whenever it thinks of a new connection, so a growth is one assignment. A
// shrink ends idle connections at once and the others when they are released, by what the pool offers: a
// released client that has reached maxUses is ended. No connection is cut while it is in use.
import type { Driver, Home } from '../core/driver.ts';
import { instanceOf, type Knob, knobDriver } from './knob.ts';
import { expectCount, expectMethods } from './options.ts';
import { PgSurplus } from './pg-surplus.ts';

/** A Pool of pg 8 (pg-pool 3). */
export interface PgPool {
  readonly options: { max?: number | undefined; min?: number | undefined; maxUses?: number | undefined };
  readonly totalCount: number;
  readonly idleCount: number;
  readonly waitingCount: number;
  connect(): Promise<{ release(): void }>;
  on(event: string, listener: (...args: unknown[]) => void): unknown;
  off(event: string, listener: (...args: unknown[]) => void): unknown;
}

export interface PgPoolOptions {
  /**
   * What one connection costs the memory of THIS partition: its buffers in this process, and its process in
   * the server only where the server runs in the partition too.
   */
  readonly bytesPerConnection: number;
  /** Connections that stay at any budget. Default: the pool's `min`, at least 1. */
  readonly floor?: number;
  /** Connections that are of use, such as the server's max_connections allows. Default: no ceiling. */
  readonly ceiling?: number;
  /** Where the memory is counted. Default: `self`; `{ cgroup }` where the server takes most of it. */
  readonly home?: Home;
}

/** @throws HotaddError HOTADD_BAD_USAGE */
export function pgPoolDriver(name: string, pool: PgPool, options: PgPoolOptions): Driver {
  expectMethods(name, 'a Pool of pg', pool, ['connect', 'on', 'off']);
  const unitBytes = expectCount(name, 'bytesPerConnection', options?.bytesPerConnection);
  const { floor, ceiling, home = 'self' } = options;
  const least = expectCount(name, 'floor', floor ?? Math.max(1, pool.options.min ?? 0));
  const most = ceiling === undefined ? null : expectCount(name, 'ceiling', ceiling, least);
  const surplus = PgSurplus.of(pool);
  const inUse = (count: number) => `${count} connections too many are in use; each ends when it is released`;
  const knob: Knob = {
    setting: 'max',
    unitBytes,
    floor: { units: least, why: `it keeps ${least} connections` },
    ceiling: most === null ? null : { units: most, why: `more than ${most} connections are of no use` },
    instance: instanceOf(pool),
    home,
    read: () => {
      const units = Number(pool.options.max);
      const heldBytes = (pool.totalCount + surplus.ending) * unitBytes;
      const tooMany = pool.totalCount - units;
      return { units, heldBytes, ...(tooMany > 0 ? { whyHeld: inUse(tooMany) } : {}) };
    },
    set: (units, signal) => surplus.setMax(units, signal),
  };
  return knobDriver(name, knob);
}
