// A slab pool that is resized while files, sockets, crypto and zlib use its leases. Each lease is released
// when its last call has called back, at a time that the seed chooses or right in the call back.
import assert from 'node:assert/strict';
import type { Lease } from '../../src/buffers/lease.ts';
import { SlabPool } from '../../src/buffers/slab-pool.ts';
import { KiB, MiB } from '../../src/core/bytes.ts';
import { type Called, SINKS, SOURCES } from './calls.ts';
import { Canaries } from './canaries.ts';
import { free, History, type HistoryOptions, turns } from './history.ts';
import type { Piece } from './pieces.ts';

export interface PoolKind {
  readonly slabBytes: number;
  readonly leaseBytes: number;
  /** The largest number. */
  readonly slabs: number;
}

export const FIXED: PoolKind = { slabBytes: 32 * MiB, leaseBytes: 8 * MiB, slabs: 4 };
export const RESIZABLE: PoolKind = { slabBytes: 128 * KiB, leaseBytes: 32 * KiB, slabs: 10 };

interface Held {
  readonly lease: Lease;
  bytes: Uint8Array<ArrayBuffer>;
  piece: Piece;
  /** Calls under way; `null`: one that writes. */
  calls: number | null;
  leaves: boolean;
}

/** At once. */
const RELEASED_MOST = 8;
const SOURCE_NAMES = Object.keys(SOURCES);
const SINK_NAMES = Object.keys(SINKS);

export class PoolHistory extends History {
  readonly #kind: PoolKind;
  readonly #pool: SlabPool;
  readonly #canaries: Canaries;
  /** In the order of the steps; one that a full pool did not give is `null`. */
  readonly #held: (Held | null)[] = [];
  /** With those that leave when their calls are over. */
  readonly #leased = new Set<Held>();

  constructor(options: HistoryOptions, kind: PoolKind) {
    super(options);
    const { slabBytes, leaseBytes, slabs } = kind;
    this.#kind = kind;
    this.#pool = new SlabPool('hunted', { bytes: slabs * slabBytes, slabBytes, leaseBytes });
    this.#canaries = new Canaries(leaseBytes);
  }

  protected step(): void {
    const [chance, which, choice] = [this.random.next(), this.random.next(), this.random.between(0, 1e9)];
    const one = this.#held[Math.floor(which * this.#held.length)] ?? null;
    if (chance < 0.3) this.#acquire(choice);
    else if (chance < 0.6) this.#read(one, choice);
    else if (chance < 0.75) this.#write(one, choice);
    else if (chance < 0.85)
      for (let left = choice % RELEASED_MOST; left >= 0; left -= 1)
        this.#release(Math.floor(which * this.#held.length));
    else this.#resize(choice);
    this.#account();
    this.count('slabs gone', this.#canaries.lay(this.#kind.slabBytes, this.#kind !== FIXED));
  }

  protected async end(): Promise<void> {
    const moved = this.#pool.setBytes(0, { deadlineMs: 10_000 });
    while (this.#held.length > 0) this.#release(0);
    await this.allWork();
    await moved;
    await turns(1);
    this.#canaries.check();
    assert.deepEqual([this.#pool.heldBytes, this.#pool.leasedBytes], [0, 0]);
  }

  #acquire(choice: number): void {
    const lease = this.#pool.acquire();
    if (lease === null) this.count('full');
    if (lease === null) return void this.#held.push(null);
    this.count('leases');
    const piece = this.ends.pieces[choice % this.ends.pieces.length] as Piece;
    // Somewhere in the first pages, so that not all begin alike.
    const begin = piece.bytes.length < 4 * KiB ? choice % 100 : 0;
    const bytes = lease.bytes.subarray(begin, begin + piece.bytes.length);
    bytes.set(piece.bytes);
    this.#canaries.watch(bytes.buffer);
    const held: Held = { lease, bytes, piece, calls: 0, leaves: false };
    this.#held.push(held);
    this.#leased.add(held);
  }

  #read(one: Held | null, choice: number): void {
    if (one === null || one.calls === null) return;
    const name = SOURCE_NAMES[choice % SOURCE_NAMES.length] as string;
    this.countCall(name);
    one.calls += 1;
    this.#follow(one, SOURCES[name]?.(one.bytes, one.piece, this.ends), () => {
      if (one.calls !== null) one.calls -= 1;
    });
  }

  #write(one: Held | null, choice: number): void {
    if (one === null || one.calls !== 0) return;
    const name = SINK_NAMES[choice % SINK_NAMES.length] as string;
    this.countCall(name);
    one.calls = null;
    const written = SINKS[name]?.(one.bytes, choice, this.ends).then((piece) => {
      one.piece = piece;
    });
    this.#follow(one, written && { over: written }, () => {
      one.calls = 0;
    });
  }

  #follow(one: Held, called: Called | undefined, isOver: () => void): void {
    if (called === undefined) throw new TypeError('there is no such call');
    if (called.checked !== undefined) this.begin(called.checked);
    if (this.broken === 'user') this.#leave(one);
    this.begin(
      called.over.then(() => {
        isOver();
        if (this.broken !== 'user') this.#check(one);
        if (one.leaves && one.calls === 0) this.#leave(one);
      }),
    );
  }

  /** The seed lets it go; it leaves now, or with its last call. */
  #release(index: number): void {
    const [one = null] = this.#held.splice(index, 1);
    if (one === null) return;
    one.leaves = true;
    if (one.calls === 0) this.#leave(one);
    else this.count('releases that wait for a call');
  }

  #leave(one: Held): void {
    const index = this.#held.indexOf(one);
    if (index >= 0) this.#held[index] = null;
    if (this.broken === null) this.#check(one);
    if (!this.#leased.delete(one)) return;
    one.lease.release();
  }

  #check({ bytes, piece, lease }: Held): void {
    assert.equal(lease.bytes.length, this.#kind.leaseBytes, 'the memory of a lease is gone');
    assert.ok(piece.bytes.equals(bytes), 'bytes of a lease were overwritten');
  }

  #resize(choice: number): void {
    const bytes = (choice % (this.#kind.slabs + 1)) * this.#kind.slabBytes;
    const moved = this.#pool.setBytes(bytes, { deadlineMs: choice % 4 }).then(() => this.#moved());
    this.begin(moved);
  }

  /** The move is over, and what calls still use is there. */
  #moved(): void {
    for (const one of this.#leased) {
      if (one.calls === 0 || !one.lease.recalled) continue;
      this.count('leases under calls that outlast a shrink');
      if (this.broken === 'pool') free(one.bytes.buffer);
      else assert.ok(!one.bytes.buffer.detached, 'a slab is gone under a call');
    }
  }

  #account(): void {
    assert.equal(this.#pool.leasedBytes, this.#leased.size * this.#kind.leaseBytes);
    assert.ok(this.#pool.heldBytes >= this.#pool.leasedBytes);
  }
}
