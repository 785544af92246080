// The cache in use and resized, in random histories, against a model that knows every value ever set: it
// gives what was set last, or nothing, and its accounts are exact.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { KiB } from '../core/bytes.ts';
import { ClockSim } from '../testing/clock-sim.ts';
import { RandomSim } from '../testing/random-sim.ts';
import { ByteCache } from './byte-cache.ts';
import type { ValueLease } from './value-lease.ts';

const SLAB = 128 * KiB;

interface Workload {
  readonly keys: number;
  /** The largest value, and how many slabs there may be. */
  readonly valueBytes: number;
  readonly slabs: number;
  readonly steps: number;
}

/** Sets, gets, views, deletes and resizes, with all that may have come of them. */
class Model {
  readonly clock = new ClockSim();
  readonly cache: ByteCache;
  readonly #workload: Workload;
  readonly #random: RandomSim;
  readonly #known = new Map<string, { value: Buffer; expiresMs: number }>();
  readonly #views: { view: ValueLease; value: Buffer }[] = [];
  #gets = 0;
  #hits = 0;
  #added = 0;
  #deleted = 0;

  constructor(seed: number, workload: Workload) {
    this.#random = new RandomSim(seed);
    this.#workload = workload;
    const bytes = (workload.slabs / 2) * SLAB;
    this.cache = new ByteCache('cache', { bytes, slabBytes: SLAB, clock: this.clock, seed });
  }

  async step(): Promise<void> {
    const chance = this.#random.next();
    // The lower a key, the more often.
    const number = Math.floor(this.#workload.keys * this.#random.next() ** 2);
    const key = number % 3 === 0 ? `ключ ${number}` : `key ${number}`;
    if (chance < 0.45) this.#set(key);
    else if (chance < 0.8) this.#get(key);
    else if (chance < 0.85) this.#delete(key);
    else if (chance < 0.93) this.#release();
    else if (chance < 0.95) this.#resize();
    else await this.clock.advance(this.#random.between(0, 4));
  }

  #set(key: string): void {
    const had = this.cache.has(key);
    // What is expired and set again is counted nowhere, so it is asked for first.
    if (!had && this.#known.has(key)) this.#get(key);
    const { valueBytes } = this.#workload;
    const length = this.#random.next() < 0.5 ? valueBytes >> 3 : this.#random.between(0, valueBytes);
    const value = Buffer.alloc(length, `${key} ${this.#random.between(0, 999)};`);
    const ttlMs = this.#random.between(1, this.#random.next() < 0.5 ? 200 : 100_000);
    const kept = this.cache.set(key, value, { ttlMs });
    if (kept && !had) this.#added += 1;
    if (!kept && had) this.#deleted += 1;
    if (kept) this.#known.set(key, { value, expiresMs: this.clock.monotonicMs() + ttlMs });
    else this.#known.delete(key);
    assert.equal(this.cache.has(key), kept);
  }

  #get(key: string): void {
    this.#gets += 1;
    const view = this.cache.get(key);
    if (view === null) return;
    this.#hits += 1;
    const known = this.#known.get(key);
    assert.ok(known !== undefined && known.expiresMs > this.clock.monotonicMs(), `${key} is there`);
    assert.ok(known.value.equals(view.bytes), `${key} has the value that was set last`);
    if (this.#views.length < 12) this.#views.push({ view, value: known.value });
    else view.release();
  }

  #delete(key: string): void {
    const had = this.cache.has(key);
    if (!had) this.#get(key);
    assert.equal(this.cache.delete(key), had);
    if (had) this.#deleted += 1;
    this.#known.delete(key);
  }

  #release(): void {
    const [one] = this.#views.splice(this.#random.between(0, 11), 1);
    if (one === undefined) return;
    assert.ok(one.value.equals(one.view.bytes), 'a view keeps its bytes');
    one.view.release();
  }

  account(): void {
    // What is expired leaves when it is asked for: after that the accounts have to be exact.
    for (const [key, { expiresMs }] of this.#known) {
      if (expiresMs > this.clock.monotonicMs()) continue;
      this.#get(key);
      this.#known.delete(key);
    }
    const there = [...this.#known].filter(([key]) => this.cache.has(key));
    const { hits, misses, evictions, expirations, bytes, entries } = this.cache.stats;
    assert.deepEqual([hits, misses], [this.#hits, this.#gets - this.#hits]);
    assert.deepEqual(
      [entries, this.#added - this.#deleted],
      [there.length, entries + evictions + expirations],
    );
    const lengths = there.map(([, { value }]) => value.length);
    assert.equal(
      bytes,
      lengths.reduce((sum, length) => sum + length, 0),
    );
  }

  /** To nothing, or to a slab and more. */
  #resize(): void {
    const bytes = this.#random.between(0, this.#workload.slabs * SLAB);
    void this.cache.setBytes(bytes < SLAB ? 0 : bytes, { deadlineMs: 5 });
  }

  async end(): Promise<void> {
    while (this.#views.length > 0) this.#release();
    await this.clock.until(this.cache.setBytes(3 * SLAB));
    assert.ok(this.cache.heldBytes <= 3 * SLAB);
    await this.clock.until(this.cache.setBytes(0));
    assert.deepEqual([this.cache.heldBytes, this.cache.stats.bytes, this.cache.stats.entries], [0, 0, 0]);
  }
}

const WORKLOADS: Readonly<Record<string, Workload>> = {
  'large values': { keys: 400, valueBytes: 20_000, slabs: 20, steps: 4_000 },
  // Enough entries for many tables of the index, which split, merge and move.
  'small values': { keys: 60_000, valueBytes: 40, slabs: 40, steps: 120_000 },
};
for (const [name, workload] of Object.entries(WORKLOADS)) {
  for (const seed of [1, 2, 3, 4, 5]) {
    test(`byte cache, ${name}: it gives what was set last or nothing, seed ${seed}`, async () => {
      const model = new Model(seed, workload);
      for (let step = 0; step < workload.steps; step += 1) {
        await model.step();
        if (step % (workload.steps / 40) === 0) model.account();
      }
      await model.end();
    });
  }
}
