// Memory under I/O: random histories of leases, patterns, real reads and writes of a file, releases and
// resizes. Each byte is checked, and the accounts are compared with what the buffers themselves tell.
import assert from 'node:assert/strict';
import { type FileHandle, mkdtemp, open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { KiB } from '../core/bytes.ts';
import { RandomSim } from '../testing/random-sim.ts';
import type { Lease } from './lease.ts';
import { SlabPool } from './slab-pool.ts';

const SLAB = 256 * KiB;
const LEASE = 32 * KiB;
const PIECES = 64;
const STEPS = 600;

/** What piece `index` of the file holds: another pattern for each. */
const patternOf = (index: number) => Buffer.alloc(LEASE, `<${index}>`);

interface Held {
  readonly lease: Lease;
  pattern: Buffer;
  io: Promise<void> | null;
}

class History {
  readonly pool = new SlabPool('pool', { bytes: 8 * SLAB, slabBytes: SLAB, leaseBytes: LEASE });
  readonly #random: RandomSim;
  readonly #file: FileHandle;
  readonly #held: Held[] = [];
  /** How far each buffer was handed out: pages beyond that were never touched. */
  readonly #carved = new Map<ArrayBuffer, number>();
  readonly #moves: Promise<void>[] = [];

  constructor(seed: number, file: FileHandle) {
    this.#random = new RandomSim(seed);
    this.#file = file;
  }

  async step(): Promise<void> {
    const chance = this.#random.next();
    if (chance < 0.4) this.#acquire();
    else if (chance < 0.55) this.#read();
    else if (chance < 0.65) this.#write();
    else if (chance < 0.9) await this.#release();
    else this.#resize();
    this.#account();
    if (this.#random.next() < 0.3) await new Promise((resolve) => setImmediate(resolve));
  }

  async end(): Promise<void> {
    const moved = this.pool.setBytes(0);
    while (this.#held.length > 0) await this.#release();
    await Promise.all([moved, ...this.#moves]);
    this.#account();
    assert.deepEqual([this.pool.heldBytes, this.pool.leasedBytes], [0, 0]);
  }

  #acquire(): void {
    const lease = this.pool.acquire();
    if (lease === null) {
      const { leasedBytes, heldBytes, sizeBytes } = this.pool;
      const slabs = [...this.#carved.keys()].filter((buffer) => !buffer.detached).length;
      assert.ok(leasedBytes === sizeBytes || slabs * SLAB > sizeBytes, `${heldBytes}: null with room`);
      return;
    }
    const pattern = patternOf(this.#random.between(0, 999));
    lease.bytes.set(pattern);
    const { buffer, byteOffset } = lease.bytes;
    this.#carved.set(buffer, Math.max(this.#carved.get(buffer) ?? 0, byteOffset + LEASE));
    this.#held.push({ lease, pattern, io: null });
  }

  #some(): Held | undefined {
    return this.#held[this.#random.between(0, this.#held.length - 1)];
  }

  #read(): void {
    const one = this.#some();
    if (one === undefined || one.io !== null) return;
    const index = this.#random.between(0, PIECES - 1);
    one.io = this.#file.read(one.lease.bytes, 0, LEASE, index * LEASE).then(({ bytesRead }) => {
      assert.equal(bytesRead, LEASE);
      one.pattern = patternOf(index);
      one.io = null;
    });
  }

  /** Into the second half of the file, which nobody reads: what counts is memory that the kernel reads. */
  #write(): void {
    const one = this.#some();
    if (one === undefined || one.io !== null) return;
    const at = (PIECES + this.#held.indexOf(one)) * LEASE;
    const { lease, pattern } = one;
    one.io = this.#file.write(lease.bytes, 0, LEASE, at).then(async ({ bytesWritten }) => {
      assert.equal(bytesWritten, LEASE);
      assert.ok(pattern.equals(lease.bytes), 'bytes of a lease were overwritten while they were written');
      one.io = null;
    });
  }

  /** Some time after the last call on its bytes has called back. */
  async #release(): Promise<void> {
    const one = this.#some();
    if (one === undefined) return;
    await one.io;
    assert.ok(one.pattern.equals(one.lease.bytes), 'bytes of a lease were overwritten');
    this.#held.splice(this.#held.indexOf(one), 1);
    one.lease.release();
  }

  #resize(): void {
    const slabs = this.#random.between(0, 12);
    const bytes = slabs === 0 ? 0 : slabs * SLAB + this.#random.between(0, 1000);
    this.#moves.push(this.pool.setBytes(bytes, { deadlineMs: this.#random.between(0, 5) }));
  }

  #account(): void {
    const attached = [...this.#carved].filter(([buffer]) => !buffer.detached);
    assert.equal(this.pool.leasedBytes, this.#held.length * LEASE);
    assert.equal(
      this.pool.heldBytes,
      attached.reduce((sum, [, bytes]) => sum + bytes, 0),
    );
    assert.ok(this.#held.every(({ lease }) => lease.bytes.length === LEASE && !lease.bytes.buffer.detached));
    const places = this.#held.map(({ lease: { bytes } }) => bytes);
    assert.equal(new Set(places).size, places.length, 'two leases share their bytes');
  }
}

async function fileOfPieces(context: TestContext): Promise<FileHandle> {
  const folder = await mkdtemp(join(tmpdir(), 'hotadd-slabs-'));
  const file = await open(join(folder, 'pieces'), 'w+');
  context.after(async () => {
    await file.close();
    await rm(folder, { recursive: true });
  });
  for (let index = 0; index < PIECES; index += 1) await file.write(patternOf(index), 0, LEASE, index * LEASE);
  return file;
}

for (const seed of [1, 2, 3, 4, 5, 6]) {
  test(`slab pool: no byte is lost or overwritten under I/O and resizes, seed ${seed}`, async (context) => {
    const history = new History(seed, await fileOfPieces(context));
    for (let step = 0; step < STEPS; step += 1) await history.step();
    await history.end();
  });
}

test('slab pool: a slab under a pending read stays until its lease is released', async (context) => {
  const file = await fileOfPieces(context);
  const pool = new SlabPool('pool', { bytes: 2 * SLAB, slabBytes: SLAB, leaseBytes: LEASE });
  const lease = pool.acquire();
  assert.ok(lease !== null);
  const reading = file.read(lease.bytes, 0, LEASE, 7 * LEASE);
  await pool.setBytes(0, { deadlineMs: 0 });
  assert.deepEqual([pool.heldBytes, lease.bytes.buffer.detached], [LEASE, false]);
  await reading;
  assert.ok(patternOf(7).equals(lease.bytes));
  const { buffer } = lease.bytes;
  lease.release();
  await new Promise((resolve) => setImmediate(resolve));
  assert.deepEqual([pool.heldBytes, buffer.detached], [0, true]);
});
