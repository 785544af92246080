// What must be true inside the store at every moment, looked at from outside in random histories: each
// segment is entries without gaps, what is alive in it is what the index knows, and no lease is lost. Hashes
// are few, so that many keys share one.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { KiB } from '../core/bytes.ts';
import { ClockSim } from '../testing/clock-sim.ts';
import { RandomSim } from '../testing/random-sim.ts';
import { isWide, takenAt, valueLengthAt } from './cache-entry.ts';
import type { Segment } from './cache-segment.ts';
import { CacheStore } from './cache-store.ts';
import { SlabPool } from './slab-pool.ts';

const SEGMENT = 64 * KiB;
const SLABS = 40;

class StoreHistory {
  readonly pool: SlabPool;
  readonly store: CacheStore;
  readonly clock = new ClockSim();
  readonly #random: RandomSim;
  readonly #keys: number;
  readonly #hashes: number;
  readonly #views: Segment[] = [];
  readonly #bytes: number;

  constructor(seed: number, { keys, hashes, bytes }: { keys: number; hashes: number; bytes: number }) {
    this.#random = new RandomSim(seed);
    this.#keys = keys;
    this.#hashes = hashes;
    this.#bytes = bytes;
    const sizes = { bytes: SLABS * SEGMENT, slabBytes: SEGMENT, leaseBytes: SEGMENT };
    this.pool = new SlabPool('pool', { ...sizes, clock: this.clock });
    this.store = new CacheStore({
      segmentBytes: SEGMENT,
      acquire: () => this.pool.acquire(),
      nowMs: () => this.clock.monotonicMs(),
      onDrop: () => {},
    });
  }

  async step(): Promise<void> {
    const chance = this.#random.next();
    const key = this.#random.between(0, this.#keys - 1);
    const hash = this.#hashOf(key);
    const place = this.store.find(hash, `key ${key}`);
    if (chance < 0.6) this.#write(key);
    else if (chance < 0.75 && place > 0) this.store.takeOut(hash, place);
    else if (chance < 0.85 && place > 0 && this.#views.length < 8) this.#view(this.store.segmentAt(place));
    else if (chance < 0.98) this.#unview();
    else if (chance < 0.985) {
      void this.pool.setBytes(this.#random.between(0, SLABS) * SEGMENT, { deadlineMs: 1 });
      await this.clock.advance(1);
    } else while (this.#random.next() < 0.9 && this.store.giveBack());
    if (chance > 0.999) this.store.clear();
  }

  /** Counts all entries and looks at each segment they lie in. */
  look(): void {
    const live = new Map<Segment, number>();
    const found = { entries: 0, bytes: 0 };
    for (let key = 0; key < this.#keys; key += 1) {
      const place = this.store.find(this.#hashOf(key), `key ${key}`);
      if (place <= 0) continue;
      const segment = this.store.segmentAt(place);
      const offset = segment.offsetOf(place);
      found.entries += 1;
      found.bytes += valueLengthAt(segment, offset);
      live.set(segment, (live.get(segment) ?? 0) + takenAt(segment, offset));
    }
    assert.deepEqual({ entries: this.store.entries, bytes: this.store.valueBytes }, found);
    for (const [segment, liveBytes] of live) {
      let end = segment.beginBytes;
      while (end < segment.endBytes) end += takenAt(segment, end);
      assert.deepEqual([end, segment.liveBytes], [segment.endBytes, liveBytes]);
    }
  }

  async end(): Promise<void> {
    while (this.#views.length > 0) this.#unview();
    this.store.clear();
    assert.equal(this.pool.leasedBytes, 0, 'a lease is lost');
    await this.clock.until(this.pool.setBytes(0));
    assert.equal(this.pool.heldBytes, 0);
  }

  #hashOf(key: number): number {
    return Math.imul((key % this.#hashes) + 1, 0x9e3779b1);
  }

  #write(number: number): void {
    const key = `key ${number}`;
    const value = new Uint8Array(this.#random.between(0, this.#bytes));
    const expiresMs = this.#random.next() < 0.3 ? this.clock.monotonicMs() + 20 : null;
    const kept = this.store.write({ hash: this.#hashOf(number), key, wide: isWide(key), value, expiresMs });
    assert.equal(this.store.find(this.#hashOf(number), key) > 0, kept);
  }

  #view(segment: Segment): void {
    segment.view();
    this.#views.push(segment);
  }

  #unview(): void {
    const [segment] = this.#views.splice(this.#random.between(0, this.#views.length), 1);
    if (segment?.unview()) this.store.onUnviewed(segment);
  }
}

for (const [title, sizes, steps] of [
  ['few large values', { keys: 300, hashes: 60, bytes: 20_000 }, 20_000],
  ['many small values', { keys: 40_000, hashes: 15_000, bytes: 60 }, 150_000],
] as const) {
  for (const seed of [1, 2, 3]) {
    test(`cache store, ${title}: segments, index and leases agree, seed ${seed}`, async () => {
      const history = new StoreHistory(seed, sizes);
      for (let step = 0; step < steps; step += 1) {
        await history.step();
        if (step % (steps / 50) === 0) history.look();
      }
      await history.end();
    });
  }
}

test('cache store: keys of equal hashes get one table, and no more', () => {
  const pool = new SlabPool('pool', { bytes: SLABS * SEGMENT, slabBytes: SEGMENT, leaseBytes: SEGMENT });
  const acquire = () => pool.acquire();
  const store = new CacheStore({ segmentBytes: SEGMENT, acquire, nowMs: () => 0, onDrop: () => {} });
  const write = (hash: number, key: string) =>
    store.write({ hash, key, wide: false, value: new Uint8Array(1), expiresMs: null });
  let kept = 0;
  for (let index = 0; index < 3080; index += 1) if (write(12_345, `key ${index}`)) kept += 1;
  assert.deepEqual([kept, store.entries, pool.leasedBytes], [3072, 3072, 2 * SEGMENT]);
  assert.equal(write(-12_345, 'another'), true);
});
