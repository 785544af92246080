// The public face of hotadd: what an author imports. Importing costs nothing; openPartition() opens.
export { type BuffersOptions, buffers } from './buffers/buffers.ts';
export { formatBytes, GiB, KiB, MiB, parseBytes, TiB } from './core/bytes.ts';
export type { Change, News, Phase } from './core/change.ts';
export type { Driver, DriverState, Home, ResizeContext, Setting, Target } from './core/driver.ts';
export { ERROR_CODES, type ErrorCode, HotaddError, Refusal } from './core/errors.ts';
export type {
  Level,
  Limit,
  MemoryBlocks,
  NodeMemory,
  PhysicalMemory,
  Pressure,
  StaleReading,
} from './core/memory.ts';
export type { Answer, Outcome, Unclaimed, Verdict } from './core/outcome.ts';
export type { Budget, Plan } from './core/plan.ts';
export type { Amount, Listener, ListenerContext, Policy, Registration } from './core/registry.ts';
export { type OpenOptions, openPartition } from './partition/open.ts';
export type { Partition } from './partition/partition.ts';
