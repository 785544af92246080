// A slab pool in use for very long, in simulated time: leases that stay for random times while the pool grows
// and shrinks at random to nothing and back. Each lease has a mark of its own at both ends, from its first
// moment to its last, and the accounts are exact at every check.
import assert from 'node:assert/strict';
import type { Lease } from '../../src/buffers/lease.ts';
import { SlabPool } from '../../src/buffers/slab-pool.ts';
import { KiB } from '../../src/core/bytes.ts';
import { ClockSim } from '../../src/testing/clock-sim.ts';
import { RandomSim } from '../../src/testing/random-sim.ts';
import { type Footprint, footprint } from './footprint.ts';

export interface PoolSoakOptions {
  readonly leases: number;
  readonly seed: number;
  readonly slabBytes: number;
  /** The largest number of slabs. */
  readonly slabs: number;
  readonly onTenth?: (line: string) => void;
}

const LEASE = 4 * KiB;
const BATCH_MOST = 2_000;
const TENTHS = 10;
/** In so many of the turns. */
const RESIZES = 0.02;
const CHECKS = 0.01;

class PoolSoak {
  readonly pool: SlabPool;
  readonly counts = { leases: 0, full: 0, resizes: 0, checks: 0 };
  readonly footprints: Footprint[] = [];
  readonly #clock = new ClockSim();
  readonly #random: RandomSim;
  readonly #options: PoolSoakOptions;
  readonly #held: { lease: Lease; mark: number }[] = [];
  /** How many leases are held at most, for now. */
  #most = 0;
  #move: Promise<void> = Promise.resolve();

  constructor(options: PoolSoakOptions) {
    const { seed, slabBytes, slabs } = options;
    this.#options = options;
    this.#random = new RandomSim(seed);
    const bytes = slabs * slabBytes;
    this.pool = new SlabPool('soak', { bytes, slabBytes, leaseBytes: LEASE, clock: this.#clock });
  }

  async play(): Promise<void> {
    const { leases, onTenth } = this.#options;
    let tenthAt = leases / TENTHS;
    while (this.counts.leases < leases) {
      const batch = this.#random.between(1, BATCH_MOST);
      for (let one = 0; one < batch; one += 1) this.#operate();
      await this.#turn();
      if (this.counts.leases < tenthAt) continue;
      tenthAt += leases / TENTHS;
      await this.#weigh();
      onTenth?.(`${this.counts.leases} leases, ${JSON.stringify(this.footprints.at(-1))}`);
    }
    await this.#settle();
    await this.#clock.until(this.pool.close());
    assert.deepEqual([this.pool.heldBytes, this.pool.leasedBytes], [0, 0]);
  }

  #operate(): void {
    if (this.#held.length < this.#most && this.#random.next() < 0.5 && this.#acquire()) return;
    if (this.#held.length > 0) this.#release(this.#random.between(0, this.#held.length - 1));
    else this.#acquire();
  }

  #acquire(): boolean {
    const lease = this.pool.acquire();
    if (lease === null) {
      this.counts.full += 1;
      return false;
    }
    this.counts.leases += 1;
    const mark = this.counts.leases & 0xff;
    const { bytes } = lease;
    bytes[0] = mark;
    bytes[LEASE - 1] = mark;
    this.#held.push({ lease, mark });
    return true;
  }

  /** The last one takes its place, as fast as such a thing can be. */
  #release(index: number): void {
    const one = this.#held[index];
    const last = this.#held.pop();
    if (one === undefined || last === undefined) return;
    if (one !== last) this.#held[index] = last;
    const { bytes } = one.lease;
    if (bytes[0] !== one.mark || bytes[LEASE - 1] !== one.mark) assert.fail('a lease has lost its mark');
    one.lease.release();
  }

  async #turn(): Promise<void> {
    const { slabs, slabBytes } = this.#options;
    const chance = this.#random.next();
    if (chance < (this.pool.sizeBytes === 0 ? 0.5 : RESIZES)) {
      this.counts.resizes += 1;
      this.#most = this.#random.between(0, (slabs * slabBytes) / LEASE);
      const size = this.#random.pick([
        0,
        slabs,
        this.#random.between(0, slabs),
        this.#random.between(0, slabs),
      ]);
      this.#move = this.pool.setBytes(size * slabBytes, { deadlineMs: this.#random.between(0, 30) });
    } else if (chance < 0.3) await this.#clock.advance(this.#random.between(0, 20));
    if (this.#random.next() < CHECKS) await this.#check();
  }

  async #check(): Promise<void> {
    this.counts.checks += 1;
    if (this.#random.next() < 0.2) await this.#settle();
    const buffers = new Set(this.#held.map(({ lease }) => lease.bytes.buffer));
    assert.equal(this.pool.leasedBytes, this.#held.length * LEASE);
    assert.ok(this.pool.heldBytes >= this.pool.leasedBytes);
    assert.ok(![...buffers].some(({ detached }) => detached), 'a slab is gone under a lease');
    await this.#clock.until(this.#move);
    await this.#clock.advance(1);
    const { heldBytes, sizeBytes } = this.pool;
    const most = Math.max(sizeBytes, buffers.size * this.#options.slabBytes);
    assert.ok(heldBytes <= most, `${heldBytes} are held, with ${buffers.size} slabs in use and ${sizeBytes}`);
  }

  async #settle(): Promise<void> {
    while (this.#held.length > 0) this.#release(this.#held.length - 1);
    await this.#clock.until(this.#move);
    await this.#clock.advance(1);
    assert.ok(this.pool.heldBytes <= this.pool.sizeBytes);
  }

  /** Full, at the same size each time. */
  async #weigh(): Promise<void> {
    const { slabs, slabBytes } = this.#options;
    await this.#settle();
    await this.#clock.until(this.pool.setBytes(0));
    assert.equal(this.pool.heldBytes, 0);
    await this.#clock.until(this.pool.setBytes(slabs * slabBytes));
    while (this.#acquire());
    assert.equal(this.pool.leasedBytes, slabs * slabBytes);
    this.footprints.push(await footprint());
  }
}

/** @throws AssertionError at the first byte or account that is wrong */
export async function soakPool(options: PoolSoakOptions) {
  const soak = new PoolSoak(options);
  await soak.play();
  return { ...soak.counts, footprints: soak.footprints };
}
