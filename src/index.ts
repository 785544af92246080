// The public face of hotadd: what an author imports. Importing costs nothing; openPartition() opens. The
// reference (docs/reference/library.md) is written from here, under the headings of this file, by
// scripts/write-api-reference.ts.

// ---- Opening ----

export { type OpenOptions, openPartition } from './partition/open.ts';
export type { Partition } from './partition/partition.ts';

// ---- Taking part ----

export { type BuffersOptions, buffers } from './buffers/buffers.ts';
export type { Amount, Listener, ListenerContext, Policy, Registration } from './core/registry.ts';

// ---- A driver ----

export type { Driver, DriverState, Home, ResizeContext, Setting, Target } from './core/driver.ts';

// ---- Errors ----

export { ERROR_CODES, type ErrorCode, HotaddError, Refusal } from './core/errors.ts';

// ---- Memory ----

export type {
  Level,
  Limit,
  MemoryBlocks,
  NodeMemory,
  PhysicalMemory,
  Pressure,
  StaleReading,
} from './core/memory.ts';

// ---- Changes and plans ----

export type { Change, News, Phase } from './core/change.ts';
export type { Answer, Outcome, Unclaimed, Verdict } from './core/outcome.ts';
export type { Budget, Plan } from './core/plan.ts';
export type { Reading, Survey } from './core/survey.ts';

// ---- Pools ----

export type { Pool, PoolKind, PoolUnit, PoolView } from './core/pool.ts';

// ---- Amounts ----

export { formatBytes, GiB, KiB, MiB, parseBytes, TiB } from './core/bytes.ts';
