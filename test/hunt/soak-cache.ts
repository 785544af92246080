// A cache in use for very long, in simulated time: gets, sets, deletes and leases, while it grows and shrinks
// at random to nothing and back. What must be there is known by key, so every value that is read and every
// account can be held to it exactly; so can the memory of the process, at equal sizes, from begin to end.
import assert from 'node:assert/strict';
import { ByteCache } from '../../src/buffers/byte-cache.ts';
import type { ValueLease } from '../../src/buffers/value-lease.ts';
import { KiB } from '../../src/core/bytes.ts';
import { ClockSim } from '../../src/testing/clock-sim.ts';
import { RandomSim } from '../../src/testing/random-sim.ts';
import { type Footprint, footprint } from './footprint.ts';

export interface CacheSoakOptions {
  readonly operations: number;
  readonly seed: number;
  readonly keys: number;
  /** The largest size, and what comes and goes at a time. */
  readonly mostBytes: number;
  readonly slabBytes: number;
  readonly segmentBytes: number;
  /** How often all is counted and compared. */
  readonly checks: number;
  readonly onTenth?: (line: string) => void;
}

const LENGTH_MOST = 600;
/** Values of each length, with bytes of their own. */
const ALIKE = 16;
const LARGE = 64;
const LARGE_MOST = 60 * KiB;
const HELD_MOST = 64;
const BATCH_MOST = 2_000;
const TENTHS = 10;
/** In so many of the turns. */
const RESIZES = 0.01;
const CLEARS = 0.0002;

/** Values to set, number 0 aside: which one a key has is all that needs to be known. */
function makeValues(random: RandomSim): Buffer[] {
  const bytes = Buffer.alloc(LARGE_MOST * 2);
  for (let at = 0; at < bytes.length; at += 1) bytes[at] = random.between(0, 255);
  const cut = (length: number) => {
    const begin = random.between(0, bytes.length - length);
    return bytes.subarray(begin, begin + length);
  };
  const values = [bytes];
  for (let length = 0; length <= LENGTH_MOST; length += 1)
    for (let one = 0; one < ALIKE; one += 1) values.push(cut(length));
  for (let one = 0; one < LARGE; one += 1) values.push(cut(random.between(LENGTH_MOST, LARGE_MOST)));
  return values;
}

class CacheSoak {
  readonly cache: ByteCache;
  readonly counts = { gets: 0, hits: 0, sets: 0, refused: 0, deletes: 0, resizes: 0, clears: 0, checks: 0 };
  readonly footprints: Footprint[] = [];
  readonly #clock = new ClockSim();
  readonly #random: RandomSim;
  readonly #options: CacheSoakOptions;
  readonly #values: Buffer[];
  readonly #small: number;
  readonly #keys: string[];
  /** By key: the number of the value set last, 0 for none, and until when. */
  readonly #has: Uint16Array;
  readonly #until: Float64Array;
  readonly #held: { lease: ValueLease; value: Buffer }[] = [];
  #move: Promise<void> = Promise.resolve();
  #added = 0;
  #taken = 0;

  constructor(options: CacheSoakOptions) {
    const { seed, keys, mostBytes, slabBytes, segmentBytes } = options;
    this.#options = options;
    this.#random = new RandomSim(seed);
    this.#values = makeValues(this.#random);
    this.#small = this.#values.length - LARGE;
    this.#keys = Array.from({ length: keys }, (_, key) => (key % 3 === 0 ? `ключ ${key}` : `key ${key}`));
    this.#has = new Uint16Array(keys);
    this.#until = new Float64Array(keys);
    const clock = this.#clock;
    this.cache = new ByteCache('soak', { bytes: mostBytes / 2, slabBytes, segmentBytes, clock, seed });
  }

  async play(): Promise<void> {
    const { operations, checks, onTenth } = this.#options;
    let checkAt = operations / checks;
    let tenthAt = operations / TENTHS;
    for (let done = 0; done < operations; ) {
      const batch = Math.min(operations - done, this.#random.between(1, BATCH_MOST));
      for (let one = 0; one < batch; one += 1) this.#operate();
      done += batch;
      await this.#turn();
      if (done >= checkAt) {
        checkAt += operations / checks;
        await this.#check();
      }
      if (done < tenthAt) continue;
      tenthAt += operations / TENTHS;
      await this.#weigh();
      onTenth?.(`${done} operations, ${JSON.stringify(this.footprints.at(-1))}`);
    }
    await this.#end();
  }

  #operate(): void {
    const chance = this.#random.next();
    const key = Math.floor(this.#random.next() ** 2 * this.#keys.length);
    if (chance < 0.55) this.#get(key);
    else if (chance < 0.95) this.#set(key);
    else this.#delete(key);
  }

  #get(key: number): void {
    this.counts.gets += 1;
    const lease = this.cache.get(this.#keys[key] as string);
    const number = this.#has[key] as number;
    if (lease === null) {
      this.#has[key] = 0;
      return;
    }
    this.counts.hits += 1;
    const value = this.#values[number] as Buffer;
    const isLive = number > 0 && (this.#until[key] as number) > this.#clock.monotonicMs();
    if (!isLive || !isLike(lease, value)) assert.fail(`key ${key} has not value ${number}`);
    if (this.counts.hits % 16 === 0 && !value.equals(lease.bytes)) assert.fail(`key ${key} is not ${number}`);
    if (this.counts.hits % 32 === 0) this.#held.push({ lease, value });
    else lease.release();
    if (this.#held.length >= HELD_MOST) this.#release(this.#random.between(0, HELD_MOST - 1));
  }

  #set(key: number): void {
    const name = this.#keys[key] as string;
    const nowMs = this.#clock.monotonicMs();
    // What is too old and set again is counted nowhere, so it is asked for first.
    if ((this.#has[key] as number) > 0 && (this.#until[key] as number) <= nowMs) this.#get(key);
    const had = this.cache.has(name);
    const number =
      this.#random.next() < 0.998
        ? this.#random.between(1, this.#small - 1)
        : this.#random.between(this.#small, this.#values.length - 1);
    const ttlMs = this.#random.next() < 0.5 ? this.#random.between(1, 20_000) : null;
    const kept = this.cache.set(name, this.#values[number] as Buffer, ttlMs === null ? {} : { ttlMs });
    this.counts.sets += 1;
    if (!kept) this.counts.refused += 1;
    if (kept && !had) this.#added += 1;
    if (!kept && had) this.#taken += 1;
    this.#has[key] = kept ? number : 0;
    this.#until[key] = ttlMs === null ? Number.POSITIVE_INFINITY : nowMs + ttlMs;
  }

  #delete(key: number): void {
    if ((this.#until[key] as number) <= this.#clock.monotonicMs()) this.#get(key);
    const had = this.cache.has(this.#keys[key] as string);
    if (this.cache.delete(this.#keys[key] as string) !== had) assert.fail(`delete of ${key} is not ${had}`);
    if (had && this.#has[key] === 0) assert.fail(`key ${key} was there and had never been set`);
    if (had) this.#taken += 1;
    this.#has[key] = 0;
    this.counts.deletes += 1;
  }

  #release(index: number): void {
    const [one] = this.#held.splice(index, 1);
    if (one === undefined) return;
    if (!one.value.equals(one.lease.bytes)) assert.fail('a lease has lost its bytes');
    one.lease.release();
  }

  /** Time passes, and now and then the size changes: to nothing, to all, or to anything between. */
  async #turn(): Promise<void> {
    const chance = this.#random.next();
    // Without memory there is little to see, so it does not last.
    if (chance < (this.cache.sizeBytes === 0 ? 0.1 : RESIZES)) {
      const size = this.#random.pick([0, 1, this.#random.next(), this.#random.next(), this.#random.next()]);
      const deadlineMs = this.#random.between(0, 30);
      this.counts.resizes += 1;
      const { mostBytes, slabBytes } = this.#options;
      const bytes = Math.floor(size * mostBytes);
      this.#move = this.cache.setBytes(bytes < slabBytes ? 0 : bytes, { deadlineMs });
    } else if (chance < RESIZES + CLEARS) {
      this.counts.clears += 1;
      this.#taken += this.cache.stats.entries;
      this.cache.clear();
      this.#has.fill(0);
    } else if (chance < 0.3) await this.#clock.advance(this.#random.between(0, 40));
  }

  async #settle(): Promise<void> {
    while (this.#held.length > 0) this.#release(this.#held.length - 1);
    await this.#clock.until(this.#move);
    await this.#clock.advance(1);
    const { heldBytes, sizeBytes } = this.cache;
    assert.ok(heldBytes <= sizeBytes, `${heldBytes} are held of ${sizeBytes}, and nothing keeps them`);
  }

  /** Every account, exactly; half of the times when nothing is under way. */
  async #check(): Promise<void> {
    if (this.counts.checks % 2 === 1) await this.#settle();
    this.counts.checks += 1;
    const nowMs = this.#clock.monotonicMs();
    const there = { entries: 0, bytes: 0 };
    for (const [key, name] of this.#keys.entries()) {
      const number = this.#has[key] as number;
      if (number > 0 && (this.#until[key] as number) <= nowMs) this.#get(key);
      const has = this.cache.has(name);
      if (has && this.#has[key] === 0) assert.fail(`${name} is there, and was not set`);
      if (!has) this.#has[key] = 0;
      else {
        there.entries += 1;
        there.bytes += this.#values[number]?.length ?? 0;
      }
    }
    const { entries, bytes, hits, misses, evictions, expirations } = this.cache.stats;
    assert.deepEqual({ entries, bytes }, there);
    assert.deepEqual([hits, misses], [this.counts.hits, this.counts.gets - this.counts.hits]);
    assert.equal(this.#added - this.#taken, entries + evictions + expirations);
  }

  /** Brings it to the same size each time, full, and looks at what the process takes. */
  async #weigh(): Promise<void> {
    await this.#settle();
    await this.#clock.until(this.cache.setBytes(0));
    assert.deepEqual([this.cache.heldBytes, this.cache.stats.entries, this.cache.stats.bytes], [0, 0, 0]);
    await this.#clock.until(this.cache.setBytes(this.#options.mostBytes));
    for (let key = 0; key < this.#keys.length; key += 1) this.#set(key);
    this.footprints.push(await footprint());
  }

  async #end(): Promise<void> {
    await this.#check();
    await this.#settle();
    await this.#clock.until(this.cache.close());
    assert.deepEqual([this.cache.heldBytes, this.cache.stats.entries, this.cache.stats.bytes], [0, 0, 0]);
  }
}

/** Length and three bytes: enough for each read; all bytes are compared now and then. */
function isLike(lease: ValueLease, value: Buffer): boolean {
  const { memory, begin, length } = lease;
  if (length !== value.length) return false;
  const middle = length >> 1;
  return (
    length === 0 ||
    (memory[begin] === value[0] &&
      memory[begin + middle] === value[middle] &&
      memory[begin + length - 1] === value[length - 1])
  );
}

/** @throws AssertionError at the first value or account that is wrong */
export async function soakCache(options: CacheSoakOptions) {
  const soak = new CacheSoak(options);
  await soak.play();
  const { evictions, expirations } = soak.cache.stats;
  return { ...soak.counts, evictions, expirations, footprints: soak.footprints };
}
