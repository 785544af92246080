// A byte cache whose values are used where they lie by files, sockets, crypto and zlib, while it is written,
// evicts, is cleared and is resized. Each lease is released when its last call has called back.
import assert from 'node:assert/strict';
import { ByteCache } from '../../src/buffers/byte-cache.ts';
import type { ValueLease } from '../../src/buffers/value-lease.ts';
import { KiB, MiB } from '../../src/core/bytes.ts';
import { SOURCES } from './calls.ts';
import { Canaries } from './canaries.ts';
import { free, History, type HistoryOptions, turns } from './history.ts';
import type { Piece } from './pieces.ts';

export interface CacheKind {
  readonly slabBytes: number;
  readonly segmentBytes: number;
  /** The largest number. */
  readonly slabs: number;
  /** Bytes of values that nobody reads, which fill it. */
  readonly fillBytes: number;
}

export const FIXED_CACHE: CacheKind = {
  slabBytes: 32 * MiB,
  segmentBytes: 16 * MiB,
  slabs: 2,
  fillBytes: 3 * MiB,
};
export const RESIZABLE_CACHE: CacheKind = {
  slabBytes: 128 * KiB,
  segmentBytes: 64 * KiB,
  slabs: 8,
  fillBytes: 20 * KiB,
};

interface Viewed {
  readonly lease: ValueLease;
  readonly piece: Piece;
  calls: number;
  leaves: boolean;
}

const KEYS = 24;
/** At once. */
const RELEASED_MOST = 8;
const SOURCE_NAMES = Object.keys(SOURCES);
const FILL = new Uint8Array(3 * MiB);

export class CacheHistory extends History {
  readonly #kind: CacheKind;
  readonly #cache: ByteCache;
  readonly #canaries: Canaries;
  /** What was set last, by key. */
  readonly #set = new Map<number, Piece>();
  readonly #viewed: (Viewed | null)[] = [];
  readonly #leased = new Set<Viewed>();

  constructor(options: HistoryOptions, kind: CacheKind) {
    super(options);
    const { slabBytes, segmentBytes, slabs } = kind;
    this.#kind = kind;
    const { seed } = options;
    this.#cache = new ByteCache('hunted', { bytes: slabs * slabBytes, slabBytes, segmentBytes, seed });
    this.#canaries = new Canaries(segmentBytes);
  }

  protected step(): void {
    const [chance, which, choice] = [this.random.next(), this.random.next(), this.random.between(0, 1e9)];
    const one = this.#viewed[Math.floor(which * this.#viewed.length)] ?? null;
    if (chance < 0.2) this.#write(Math.floor(which * KEYS), choice);
    else if (chance < 0.25) this.#fill(choice);
    else if (chance < 0.5) this.#view(Math.floor(which * KEYS));
    else if (chance < 0.75) this.#read(one, choice);
    else if (chance < 0.85)
      for (let left = choice % RELEASED_MOST; left >= 0; left -= 1)
        this.#release(Math.floor(which * this.#viewed.length));
    else if (chance < 0.97) this.#resize(choice);
    else if (chance < 0.985) this.#cache.delete(`key ${choice % KEYS}`);
    else this.#cache.clear();
    this.count('slabs gone', this.#canaries.lay(this.#kind.slabBytes, this.#kind !== FIXED_CACHE));
  }

  protected async end(): Promise<void> {
    const moved = this.#cache.setBytes(0, { deadlineMs: 10_000 });
    while (this.#viewed.length > 0) this.#release(0);
    await this.allWork();
    await moved;
    await turns(1);
    this.#canaries.check();
    const { entries, bytes } = this.#cache.stats;
    assert.deepEqual([this.#cache.heldBytes, entries, bytes], [0, 0, 0]);
    this.count('evictions', this.#cache.stats.evictions);
  }

  #write(key: number, choice: number): void {
    const piece = this.ends.pieces[choice % this.ends.pieces.length] as Piece;
    if (this.#cache.set(`key ${key}`, piece.bytes)) this.#set.set(key, piece);
    else this.count('full');
  }

  #fill(choice: number): void {
    for (let one = 0; one < 4; one += 1)
      this.#cache.set(`fill ${(choice + one) % 40}`, FILL.subarray(0, this.#kind.fillBytes));
  }

  #view(key: number): void {
    const lease = this.#cache.get(`key ${key}`);
    const piece = this.#set.get(key);
    if (lease === null) return void this.#viewed.push(null);
    assert.ok(piece, 'a value is there that was never set');
    assert.ok(piece.bytes.equals(lease.bytes), 'a value is not what was set last');
    this.count('leases');
    this.#canaries.watch(lease.memory.buffer);
    const one: Viewed = { lease, piece, calls: 0, leaves: false };
    this.#viewed.push(one);
    this.#leased.add(one);
  }

  #read(one: Viewed | null, choice: number): void {
    if (one === null) return;
    const name = SOURCE_NAMES[choice % SOURCE_NAMES.length] as string;
    const called = SOURCES[name]?.(one.lease.bytes, one.piece, this.ends);
    if (called === undefined) throw new TypeError('there is no such call');
    this.countCall(name);
    one.calls += 1;
    if (this.broken === 'user') this.#leave(one);
    if (called.checked !== undefined) this.begin(called.checked);
    this.begin(
      called.over.then(() => {
        one.calls -= 1;
        if (this.broken !== 'user') this.#check(one);
        if (one.leaves && one.calls === 0) this.#leave(one);
      }),
    );
  }

  #release(index: number): void {
    const [one = null] = this.#viewed.splice(index, 1);
    if (one === null) return;
    one.leaves = true;
    if (one.calls === 0) this.#leave(one);
    else this.count('releases that wait for a call');
  }

  #leave(one: Viewed): void {
    const index = this.#viewed.indexOf(one);
    if (index >= 0) this.#viewed[index] = null;
    if (!this.#leased.delete(one)) return;
    this.#check(one);
    one.lease.release();
  }

  #check({ lease, piece }: Viewed): void {
    assert.ok(piece.bytes.equals(lease.bytes), 'bytes of a lease were overwritten');
  }

  #resize(choice: number): void {
    const bytes = (choice % (this.#kind.slabs + 1)) * this.#kind.slabBytes;
    const moved = this.#cache.setBytes(bytes, { deadlineMs: choice % 4 }).then(() => this.#moved());
    this.begin(moved);
  }

  #moved(): void {
    for (const { lease, calls } of this.#leased) {
      if (calls === 0 || !lease.recalled) continue;
      this.count('leases under calls that outlast a shrink');
      if (this.broken === 'pool') free(lease.memory.buffer);
      else assert.ok(!lease.memory.buffer.detached, 'a slab is gone under a call');
    }
  }
}
