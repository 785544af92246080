// Every kind of driver, one line each. The configuration, its published schema and the agent read this list;
// a new kind is one file, one line here, one test that runs the contract and one page of documentation.
import type { z } from 'zod';
import type { Driver } from '../core/driver.ts';
import { redisDriver } from './redis.ts';
import { redisOptions } from './redis-options.ts';

export interface DriverKind {
  /** The value of `driver:` in a configuration entry. */
  readonly kind: string;
  /** What it resizes, in one line. */
  readonly summary: string;
  /** The options of an entry beside `name` and `driver`. */
  readonly options: z.ZodObject;
  /**
   * Opens nothing yet: connections are made at the first call. `options` have been parsed with the schema.
   */
  open(name: string, options: unknown): Driver;
}

export const DRIVERS: readonly DriverKind[] = [
  kind('redis', 'Redis and Valkey: maxmemory', redisOptions, (name, options) =>
    redisDriver({ name, ...options }),
  ),
];

function kind<Shape extends z.ZodRawShape, Config extends z.core.$ZodObjectConfig>(
  name: string,
  summary: string,
  options: z.ZodObject<Shape, Config>,
  open: (name: string, options: z.output<z.ZodObject<Shape, Config>>) => Driver,
): DriverKind {
  return {
    kind: name,
    summary,
    options: options as unknown as z.ZodObject,
    open: (driver, given) => open(driver, options.parse(given) as z.output<z.ZodObject<Shape, Config>>),
  };
}
