// What an author imports as hotadd/buffers: memory of this process that is resized while it is in use, and
// can be used without anything else of hotadd. Its reference, buffers.md, is written from here.

// ---- Bytes by key ----

export { ByteCache, type ByteCacheOptions, type ByteCacheStats } from './byte-cache.ts';
export type { ValueLease } from './value-lease.ts';

// ---- Pieces of one size ----

export type { Lease } from './lease.ts';
export { type Eviction, SlabPool, type SlabPoolOptions } from './slab-pool.ts';
