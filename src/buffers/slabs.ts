// The slabs of a pool: how many there are, how many there may be, which one serves the next lease, and which
// go when there are too many. Each slice does a few milliseconds of work; who calls it gives the loop a turn.
//
//   most = 3   [leases 9] [leases 2] [idle] [leases 5, recalled] [idle, recalled]
//               ^ next lease                 ^ goes with its last  ^ goes in the next slice
import { MiB } from '../core/bytes.ts';
import { Lease } from './lease.ts';
import { Slab } from './slab.ts';

/** Giving back takes 20 to 80 ms per GiB, the first touch 200 to 400 ms: a slice takes a few. */
export const RELEASE_SLICE_BYTES = 64 * MiB;
export const TOUCH_SLICE_BYTES = 8 * MiB;
/**
 * After the system has given no memory it is not asked again for so long: V8 collects garbage, some 10 ms,
 * before it says so.
 */
const REFUSED_MS = 1000;

export interface SlabsOptions {
  /** Of the pool, for errors. */
  readonly name: string;
  readonly slabBytes: number;
  readonly leaseBytes: number;
  readonly nowMs: () => number;
  /** Called when the last lease of a slab is back while there are too many slabs. */
  readonly onIdle: () => void;
}

export class Slabs {
  readonly name: string;
  readonly slabBytes: number;
  readonly leaseBytes: number;
  readonly #options: SlabsOptions;
  readonly #all = new Set<Slab>();
  /** Serves the next lease, while it has room. */
  #serving: Slab | null = null;
  /** Others with room that are not recalled; the last one is next, so that the first ones become idle. */
  #open: Slab[] = [];
  #touching: Slab | null = null;
  #most = 0;
  #refusedUntilMs = Number.NEGATIVE_INFINITY;

  constructor(options: SlabsOptions) {
    this.name = options.name;
    this.slabBytes = options.slabBytes;
    this.leaseBytes = options.leaseBytes;
    this.#options = options;
  }

  get heldBytes(): number {
    return this.#sum(({ heldBytes }) => heldBytes);
  }

  get leases(): number {
    return this.#sum(({ leases }) => leases);
  }

  get excess(): number {
    return Math.max(0, this.#all.size - this.#most);
  }

  get missing(): number {
    return Math.max(0, this.#most - this.#all.size) + (this.#touching === null ? 0 : 1);
  }

  /** Recalled slabs that leases keep. */
  get keptByLeases(): number {
    if (this.excess === 0) return 0;
    return this.#sum(({ recalled, leases }) => (recalled && leases > 0 ? 1 : 0));
  }

  acquire(): Lease | null {
    const slab = this.#serving;
    const view = slab === null ? null : slab.take();
    return slab === null || view === null ? this.#acquireFromNext() : new Lease(slab, view);
  }

  /** How many there may be from now on. */
  setMost(most: number): void {
    this.#most = most;
    this.#recall(({ pins }) => pins);
  }

  /** Gives idle slabs back while there are too many. */
  releaseSlice(): void {
    let left = Math.max(1, Math.floor(RELEASE_SLICE_BYTES / this.slabBytes));
    for (const slab of this.#all) {
      if (!slab.recalled || slab.leases > 0) continue;
      this.#all.delete(slab);
      slab.release();
      left -= 1;
      if (left === 0) return;
    }
  }

  /** Gets memory ahead, touched, while slabs are missing. */
  touchSlice(): void {
    if (this.missing === 0) return;
    this.#touching ??= this.#add();
    if (!this.#touching.touch(TOUCH_SLICE_BYTES)) return;
    this.#open.unshift(this.#touching);
    this.#touching = null;
  }

  onRoom(slab: Slab): void {
    const isWaiting = slab.recalled || slab === this.#serving || this.#open.lastIndexOf(slab) >= 0;
    if (!isWaiting) this.#open.push(slab);
    if (slab.leases > 0 || this.excess === 0) return;
    // It goes instead of one that leases keep, and is not handed out before. Nobody is asked to release more.
    this.#recall(isNew);
    this.#options.onIdle();
  }

  /** Apart from acquire(), which is fast because it is small. */
  #acquireFromNext(): Lease | null {
    for (;;) {
      const slab = this.#open.pop() ?? this.#openOne();
      this.#serving = slab;
      if (slab === null) return null;
      const view = slab.take();
      if (view !== null) return new Lease(slab, view);
    }
  }

  #openOne(): Slab | null {
    if (this.missing === 0 || this.#options.nowMs() < this.#refusedUntilMs) return null;
    // One that is being touched is taken as it is: a lease now is worth more than pages ahead.
    const slab = this.#touching ?? this.#add();
    this.#touching = null;
    return slab;
  }

  #add(): Slab {
    this.#refusedUntilMs = this.#options.nowMs() + REFUSED_MS;
    const slab = new Slab(this, this.slabBytes, this.leaseBytes);
    this.#refusedUntilMs = Number.NEGATIVE_INFINITY;
    this.#all.add(slab);
    return slab;
  }

  /**
   * Decides anew which slabs have to go: idle ones, those with the least of something, those recalled before,
   * those with the fewest pins, those with the fewest leases.
   */
  #recall(least: (slab: Slab) => number): void {
    const slabs = [...this.#all].sort(
      (a, b) =>
        isUsed(a) - isUsed(b) ||
        least(a) - least(b) ||
        isNew(a) - isNew(b) ||
        a.pins - b.pins ||
        a.leases - b.leases,
    );
    const { excess } = this;
    for (const [index, slab] of slabs.entries()) slab.recalled = index < excess;
    if (this.#touching?.recalled) this.#touching = null;
    this.#serving = null;
    this.#open = slabs.filter((slab) => !slab.recalled && slab.hasRoom && slab !== this.#touching);
  }

  #sum(of: (slab: Slab) => number): number {
    let sum = 0;
    for (const slab of this.#all) sum += of(slab);
    return sum;
  }
}

function isUsed({ leases }: Slab): number {
  return leases === 0 ? 0 : 1;
}

function isNew({ recalled }: Slab): number {
  return recalled ? 0 : 1;
}
