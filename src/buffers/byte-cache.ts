// A cache of bytes outside the V8 heap, whose limit is fixed when a process starts. Values, keys and the
// index lie in slabs that come and go while it is in use, so it follows the memory of its container. How they
// lie there: cache-store.ts.
import { formatBytes, MiB } from '../core/bytes.ts';
import type { Clock } from '../core/clock.ts';
import type { Driver, DriverState, ResizeContext, Setting, Target } from '../core/driver.ts';
import { checkEntry, checkedTime, checkKey, checkSegment, segmentOf } from './cache-checks.ts';
import { expiresAt, hashOf, isWide, markUsed } from './cache-entry.ts';
import { SEGMENTS_MOST, type Segment } from './cache-segment.ts';
import { CacheStore } from './cache-store.ts';
import { CLOCK_PROCESS } from './clock-process.ts';
import type { Lease } from './lease.ts';
import { FIXED_LEAST_BYTES } from './slab.ts';
import { checkOptions, checkSlab } from './slab-checks.ts';
import { SlabPool } from './slab-pool.ts';
import { type ValueHome, ValueLease } from './value-lease.ts';

/** What a cache may take, and how it is divided. */
export interface ByteCacheOptions {
  /** Bytes it may take from the start, keys and index included, rounded down to slabs. */
  readonly bytes: number;
  /** What comes and goes at a time, as of a SlabPool. Default: 32 MiB. */
  readonly slabBytes?: number;
  /**
   * What is emptied at a time, and more than the largest entry: a power of two from 64 KiB to 1 GiB that
   * divides a slab. Default: the largest up to 1 MiB and a 32nd of a slab; 64 KiB where there is none.
   */
  readonly segmentBytes?: number;
  /** How long a value stays that is set without a time of its own. Default: for as long as there is room. */
  readonly ttlMs?: number;
  /** The time to go by, such as a ClockSim. */
  readonly clock?: Clock;
  /** What keys are hashed with. Default: random, so that nobody can choose keys that collide. */
  readonly seed?: number;
}

/** Counted since the cache was made. */
export interface ByteCacheStats {
  /** Calls of `get` and `getCopy` that found a value. */
  readonly hits: number;
  /** Calls of them that found none, or one older than its time. */
  readonly misses: number;
  /** Values that made room for others, or for a smaller cache. */
  readonly evictions: number;
  /** Values found to be older than their time. */
  readonly expirations: number;
  /** Bytes of the values in it now, without keys and index. */
  readonly bytes: number;
  /** How many there are now. */
  readonly entries: number;
}

/** A turn of the loop empties or moves so much: some milliseconds. */
const GIVE_BACK_SLICE_BYTES = 4 * MiB;

/**
 * Bytes by key, off the V8 heap, keys and index too. It evicts by S3-FIFO, and is resized while it is in use:
 * by `setBytes`, or as the driver that it is, `partition.register(cache)`. What goes back goes to the system.
 */
export class ByteCache implements Driver {
  /** Unique in the partition where it is registered. */
  readonly name: string;
  readonly #pool: SlabPool;
  readonly #clock: Clock;
  readonly #ttlMs: number | null;
  readonly #seed: number;
  readonly #store: CacheStore;
  readonly #counts = { hits: 0, misses: 0, evictions: 0, expirations: 0 };
  readonly #home: ValueHome;
  #isGivingBack = false;

  /**
   * A cache that has no memory yet: it comes with what is set.
   * @throws HotaddError HOTADD_BAD_AMOUNT for sizes that do not fit each other.
   */
  constructor(name: string, options: ByteCacheOptions) {
    checkOptions(name, options);
    const { bytes, slabBytes = FIXED_LEAST_BYTES, ttlMs, clock = CLOCK_PROCESS } = options;
    const { segmentBytes = segmentOf(slabBytes) } = options;
    this.name = name;
    this.#home = { name, onUnviewed: (segment) => this.#leave(segment) };
    this.#seed = options.seed ?? Math.floor(Math.random() * 2 ** 32);
    this.#clock = clock;
    this.#ttlMs = checkedTime(name, ttlMs);
    checkSlab(name, slabBytes);
    checkSegment(name, segmentBytes, slabBytes);
    const evict = () => this.#giveBack();
    this.#pool = new SlabPool(name, {
      bytes,
      slabBytes,
      leaseBytes: segmentBytes,
      ceilingBytes: SEGMENTS_MOST * segmentBytes,
      clock,
      evict,
    });
    this.#store = new CacheStore({
      segmentBytes,
      acquire: () => this.#acquire(),
      nowMs: () => clock.monotonicMs(),
      onDrop: (reason) => {
        this.#counts[reason === 'expired' ? 'expirations' : 'evictions'] += 1;
      },
    });
  }

  /** Bytes it may take. */
  get sizeBytes(): number {
    return this.#pool.sizeBytes;
  }

  /** Bytes it has from the operating system now. */
  get heldBytes(): number {
    return this.#pool.heldBytes;
  }

  /** What it counts, as of now. */
  get stats(): ByteCacheStats {
    const { entries, valueBytes } = this.#store;
    return { ...this.#counts, entries, bytes: valueBytes };
  }

  /**
   * Keeps a copy of the value. False: there is no room, because the size is less than a slab, leases keep all
   * that could be emptied, or the system has no memory to give; the key has no value then.
   * @throws HotaddError HOTADD_BAD_AMOUNT for a key and a value larger than a segment, HOTADD_CLOSED
   */
  set(key: string, value: Uint8Array, options: { ttlMs?: number } = {}): boolean {
    const ttlMs = options.ttlMs === undefined ? this.#ttlMs : checkedTime(this.name, options.ttlMs);
    const expiresMs = ttlMs === null ? null : this.#clock.monotonicMs() + ttlMs;
    const entry = { hash: this.#hashOf(key), key, wide: isWide(key), value, expiresMs };
    checkEntry(this.name, entry, this.#pool.leaseBytes);
    return this.#store.write(entry);
  }

  /**
   * The value itself, without a copy, valid and unchanged until it is released; `null`: not there. Do not
   * write to it. Release it soon: the memory around it stays until then.
   */
  get(key: string): ValueLease | null {
    const place = this.#find(key);
    if (place === 0) return null;
    const segment = this.#store.segmentAt(place);
    return new ValueLease(segment, segment.offsetOf(place), this.#home);
  }

  /** A copy of the value; `null`: not there. */
  getCopy(key: string): Uint8Array<ArrayBuffer> | null {
    const lease = this.get(key);
    if (lease === null) return null;
    try {
      return lease.bytes.slice();
    } finally {
      lease.release();
    }
  }

  /** Whether there is a value; counts nothing. */
  has(key: string): boolean {
    const place = this.#store.find(this.#hashOf(key), key);
    return place > 0 && !this.#isExpired(place);
  }

  /** False: it was not there. */
  delete(key: string): boolean {
    const hash = this.#hashOf(key);
    const place = this.#store.find(hash, key);
    if (place <= 0) return false;
    this.#store.takeOut(hash, place);
    return true;
  }

  /** Forgets all. Its memory is free for other values; `setBytes` gives it back. */
  clear(): void {
    this.#store.clear();
  }

  /** As `setBytes` of a SlabPool, up to 32,768 segments. A shrink evicts, a slice per turn of the loop. */
  setBytes(bytes: number, options: { deadlineMs?: number } = {}): Promise<void> {
    return this.#pool.setBytes(bytes, options);
  }

  /** For hotadd, as of a `Driver`. */
  async read(): Promise<DriverState> {
    const state = await this.#pool.read();
    const segment = formatBytes(this.#pool.leaseBytes);
    const ceiling = `it numbers ${SEGMENTS_MOST} segments of ${segment}: make it with larger segmentBytes`;
    // While it evicts, the leases that keep slabs are those of its own segments.
    const evicts = this.#isGivingBack && state.why?.held !== undefined;
    const held = evicts ? { held: 'it still evicts, a slice per turn of the loop' } : {};
    const note = 'what has no room is evicted';
    return {
      ...state,
      why: { ...state.why, ceiling, ...held },
      ...(state.moving === undefined ? {} : { moving: { ...state.moving, note } }),
    };
  }

  /** For hotadd, as of a `Driver`: what `setBytes` is for others. */
  resize(target: Target, context: ResizeContext): Promise<Setting[]> {
    return this.#pool.resize(target, context);
  }

  /** Forgets all, keeps nothing more, and gives back all memory that no lease keeps. */
  close(): Promise<void> {
    this.clear();
    return this.#pool.close();
  }

  /** Where the system has no memory to give, it goes on with what it has. */
  #acquire(): Lease | null {
    try {
      return this.#pool.acquire();
    } catch (error) {
      if (error instanceof RangeError) return null;
      throw error;
    }
  }

  /** The place of an entry, which is thereby used and counted; 0: not there. */
  #find(key: string): number {
    const hash = this.#hashOf(key);
    const place = this.#store.find(hash, key);
    if (place > 0 && !this.#isExpired(place)) {
      const segment = this.#store.segmentAt(place);
      markUsed(segment, segment.offsetOf(place));
      this.#counts.hits += 1;
      return place;
    }
    this.#counts.misses += 1;
    if (place > 0) {
      this.#counts.expirations += 1;
      this.#store.takeOut(hash, place);
    }
    return 0;
  }

  #hashOf(key: string): number {
    checkKey(this.name, key);
    return hashOf(key, this.#seed);
  }

  #isExpired(place: number): boolean {
    const segment = this.#store.segmentAt(place);
    const expiresMs = expiresAt(segment, segment.offsetOf(place));
    return expiresMs !== null && expiresMs <= this.#clock.monotonicMs();
  }

  #leave(segment: Segment): void {
    if (this.#store.onUnviewed(segment)) void this.#giveBack();
  }

  /** Frees what a shrink waits for, a slice per turn of the loop. */
  async #giveBack(): Promise<void> {
    if (this.#isGivingBack) return;
    this.#isGivingBack = true;
    try {
      const steps = Math.max(1, GIVE_BACK_SLICE_BYTES / this.#pool.leaseBytes);
      for (let step = 1; this.#store.giveBack(); step += 1) {
        if (step % steps > 0) continue;
        await new Promise<void>((resolve) => {
          this.#clock.after(0, resolve);
        });
      }
    } finally {
      // At once, not with the promise: a lease that is released in the same turn begins anew.
      this.#isGivingBack = false;
    }
  }
}
