// The pool in simulated time: what it hands out, what it takes back, in which order and in which slices, and
// what it says while leases are out.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { KiB, MiB } from '../core/bytes.ts';
import type { Clock } from '../core/clock.ts';
import type { PhysicalMemory } from '../core/memory.ts';
import { checkDriver } from '../testing/check-driver.ts';
import { ClockSim } from '../testing/clock-sim.ts';
import type { Lease } from './lease.ts';
import { SlabPool, type SlabPoolOptions } from './slab-pool.ts';
import { RELEASE_SLICE_BYTES, TOUCH_SLICE_BYTES } from './slabs.ts';

const SLAB = 128 * KiB;
const signal = new AbortController().signal;

function open(options: Partial<SlabPoolOptions> = {}) {
  const clock = new ClockSim();
  const pool = new SlabPool('pool', { bytes: 4 * SLAB, slabBytes: SLAB, clock, ...options });
  return { clock, pool };
}

function take(pool: SlabPool, count = 1): Lease[] {
  return Array.from({ length: count }, () => {
    const lease = pool.acquire();
    assert.ok(lease !== null, 'the pool is full');
    return lease;
  });
}

const makeFixed = () => {
  const pool = new SlabPool('fixed', { bytes: 256 * MiB, leaseBytes: 32 * MiB });
  for (const lease of take(pool, 8)) lease.release();
  return pool;
};
for (const { title, run } of checkDriver(makeFixed, { smallBytes: 64 * MiB, largeBytes: 512 * MiB })) {
  test(`slab pool of fixed buffers: ${title}`, run);
}
const inUse = () => {
  const pool = new SlabPool('resizable', { bytes: 32 * MiB, slabBytes: 4 * MiB });
  for (const lease of take(pool, 300)) lease.release();
  return pool;
};
for (const { title, run } of checkDriver(inUse, { smallBytes: 16 * MiB, largeBytes: 64 * MiB })) {
  test(`slab pool of resizable buffers: ${title}`, run);
}

test('slab pool: it takes memory when a lease needs it, and not before', () => {
  const { pool } = open();
  assert.deepEqual([pool.sizeBytes, pool.heldBytes, pool.leasedBytes], [4 * SLAB, 0, 0]);
  const leases = take(pool, 3);
  assert.deepEqual([pool.heldBytes, pool.leasedBytes], [3 * 64 * KiB, 3 * 64 * KiB]);
  for (const lease of leases) lease.release();
  assert.deepEqual([pool.heldBytes, pool.leasedBytes], [3 * 64 * KiB, 0]);
});

test('slab pool: full is null, and a release makes room', () => {
  const { pool } = open();
  const [first] = take(pool, 8);
  assert.equal(pool.acquire(), null);
  first?.release();
  assert.equal(take(pool)[0]?.bytes.length, 64 * KiB);
});

test('slab pool: a lease that is used or released twice is an error, and changes nothing', () => {
  const { pool } = open();
  const [lease, other] = take(pool, 2);
  assert.ok(lease && other);
  lease.release();
  assert.throws(() => lease.release(), { code: 'HOTADD_RELEASED', place: 'pool' });
  assert.throws(() => lease.bytes, { code: 'HOTADD_RELEASED' });
  lease[Symbol.dispose]();
  assert.equal(pool.leasedBytes, 64 * KiB);
  const next = pool.acquire();
  assert.notEqual(next?.bytes.byteOffset, other.bytes.byteOffset);
});

test('slab pool: leases are taken from slabs in use, so that others become idle', async () => {
  const { pool, clock } = open();
  const leases = take(pool, 6);
  for (const index of [0, 2, 3, 4]) leases[index]?.release();
  const again = take(pool);
  assert.notEqual(again[0]?.bytes.buffer, leases[1]?.bytes.buffer);
  again[0]?.release();
  await clock.until(pool.setBytes(2 * SLAB));
  assert.equal(pool.heldBytes, 2 * SLAB);
});

test('slab pool: idle slabs go first, and nobody is asked', async () => {
  let asked = 0;
  const { pool, clock } = open({
    evict: () => {
      asked += 1;
    },
  });
  const leases = take(pool, 8);
  for (const lease of leases.slice(2)) lease.release();
  await clock.until(pool.setBytes(SLAB));
  assert.deepEqual([pool.heldBytes, asked, leases[0]?.recalled], [SLAB, 0, false]);
});

test('slab pool: holders are asked with a deadline, and their slabs go with the last lease', async () => {
  const asked: unknown[] = [];
  const leases: Lease[] = [];
  const evict: SlabPoolOptions['evict'] = (need) => {
    asked.push(need);
    for (const lease of leases) if (lease.recalled) lease.release();
  };
  const { pool, clock } = open({ evict });
  leases.push(...take(pool, 8));
  await clock.until(pool.setBytes(SLAB, { deadlineMs: 500 }));
  assert.deepEqual(asked, [{ bytes: 3 * SLAB, deadlineMs: 500 }]);
  assert.deepEqual([pool.heldBytes, pool.leasedBytes], [SLAB, SLAB]);
});

test('slab pool: a lease that does not come back in time keeps its bytes, and read() says so', async () => {
  const { pool, clock } = open({ evict: () => Promise.reject(new Error('busy')) });
  const leases = take(pool, 8);
  leases[7]?.bytes.fill(7);
  const shrunk = pool.setBytes(0, { deadlineMs: 500 });
  const asking = await pool.read();
  assert.deepEqual([asking.moving?.toBytes, asking.why], [0, undefined], 'nobody was asked yet');
  await clock.advance(499);
  assert.equal((await pool.read()).moving?.note, 'a slab goes back with its last lease');
  assert.equal(pool.acquire(), null);
  await clock.until(shrunk);
  assert.equal(clock.monotonicMs(), 500);
  const late = await pool.read();
  assert.deepEqual([late.costBytes, late.heldBytes, late.moving], [0, 4 * SLAB, undefined]);
  assert.match(
    late.why?.held ?? '',
    /512 KiB in slabs with leases that were not released; evict failed: busy/,
  );
  assert.ok(leases[7]?.bytes.every((byte) => byte === 7));
  for (const lease of leases) lease.release();
  await clock.advance(0);
  const after = await pool.read();
  assert.deepEqual([after.heldBytes, after.why], [0, undefined]);
});

test('slab pool: a slab that becomes idle goes in the place of a recalled one', async () => {
  const { pool, clock } = open();
  const leases = take(pool, 8);
  const shrunk = pool.setBytes(3 * SLAB);
  await clock.advance(0);
  const kept = leases.filter(({ recalled }) => !recalled);
  const mates = kept.filter(({ bytes }) => bytes.buffer === kept[0]?.bytes.buffer);
  for (const lease of mates) lease.release();
  await clock.until(shrunk);
  assert.equal(pool.heldBytes, 3 * SLAB);
  assert.ok(leases.every(({ recalled }) => !recalled));
});

test('slab pool: what becomes idle has no other slab recalled, and the most pinned one stays', async () => {
  const { pool, clock } = open();
  const leases = take(pool, 8);
  const slabs = Array.from({ length: 4 }, (_, slab) => leases.slice(2 * slab, 2 * slab + 2));
  const [a, b, c, d] = slabs.map(([lease]) => lease);
  const pin = (lease: Lease | undefined, pins: number) => {
    for (let one = 0; one < pins; one += 1) lease?.pin(1);
  };
  pin(a, 2);
  pin(b, 3);
  pin(c, 1);
  pin(d, 4);
  void pool.setBytes(2 * SLAB);
  await clock.advance(0);
  const recalled = () => [a, b, c, d].map((lease) => lease?.recalled);
  assert.deepEqual(recalled(), [true, false, true, false]);
  for (let one = 0; one < 3; one += 1) b?.pin(-1);
  for (const lease of slabs[3] ?? []) lease.release();
  assert.deepEqual(recalled().slice(0, 3), [false, false, true]);
});

test('slab pool: the newest size wins, and what was recalled is used again', async () => {
  const { pool, clock } = open();
  const leases = take(pool, 8);
  const down = pool.setBytes(SLAB);
  await clock.advance(0);
  const up = pool.setBytes(5 * SLAB);
  await clock.until(Promise.all([down, up]));
  assert.ok(leases.every(({ recalled }) => !recalled));
  for (const lease of leases) lease.release();
  await clock.advance(20_000);
  assert.equal(take(pool, 10).length, 10);
  assert.equal(pool.heldBytes, 5 * SLAB);
});

/** Time that notes by how much `bytes` changes in each turn. */
function slicesOf(clock: Clock, bytes: () => number) {
  const slices: number[] = [];
  const after: Clock['after'] = (delayMs, callback) =>
    clock.after(delayMs, () => {
      const before = bytes();
      callback();
      slices.push(Math.abs(bytes() - before));
    });
  return {
    slices,
    clock: { monotonicMs: () => clock.monotonicMs(), wallMs: () => clock.wallMs(), after },
  };
}

test('slab pool: memory goes back in slices of the same size for every slab', async () => {
  for (const slabBytes of [8 * MiB, 32 * MiB, 512 * MiB]) {
    const sim = new ClockSim();
    const { slices, clock } = slicesOf(sim, () => pool.heldBytes);
    const size = 2048 * MiB;
    const pool: SlabPool = new SlabPool('pool', { bytes: size, slabBytes, leaseBytes: slabBytes, clock });
    for (const lease of take(pool, size / slabBytes)) lease.release();
    await sim.until(pool.setBytes(0));
    const slice = Math.max(slabBytes, RELEASE_SLICE_BYTES);
    assert.deepEqual(slices, new Array(size / slice).fill(slice));
  }
});

test('slab pool: memory that is touched ahead comes in slices, and no lease waits for it', async () => {
  const sim = new ClockSim();
  const { slices, clock } = slicesOf(sim, () => 0);
  const pool = new SlabPool('pool', { bytes: 64 * MiB, touch: true, clock });
  assert.equal((await pool.read()).moving?.toBytes, 64 * MiB);
  await sim.advance(0);
  assert.deepEqual([pool.heldBytes, slices.length], [64 * MiB, (64 * MiB) / TOUCH_SLICE_BYTES]);
  assert.equal((await pool.read()).moving, undefined);
  void pool.setBytes(96 * MiB);
  const leases = take(pool, (96 * MiB) / pool.leaseBytes);
  leases.at(-1)?.bytes.fill(9);
  await sim.advance(0);
  assert.ok(leases.at(-1)?.bytes.every((byte) => byte === 9));
  assert.equal(pool.heldBytes, 96 * MiB);
});

test('slab pool: a touched growth that is overtaken by a shrink leaves nothing behind', async () => {
  const { pool, clock } = open({ bytes: 0, slabBytes: 32 * MiB, touch: true });
  const up = pool.setBytes(64 * MiB);
  await clock.advance(0);
  const down = pool.setBytes(0);
  await clock.until(Promise.all([up, down]));
  assert.equal(pool.heldBytes, 0);
});

test('slab pool: closed, it hands out nothing, and leases stay whole until they are released', async () => {
  const { pool, clock } = open();
  const leases = take(pool, 3);
  await clock.until(pool.close());
  await clock.until(pool.close());
  assert.throws(() => pool.acquire(), { code: 'HOTADD_CLOSED' });
  await assert.rejects(pool.setBytes(SLAB), /^HotaddError: pool: it has been closed; make another$/);
  assert.equal(pool.heldBytes, 3 * pool.leaseBytes);
  for (const lease of leases) lease.bytes.fill(1);
  for (const lease of leases) lease.release();
  await clock.advance(0);
  assert.equal(pool.heldBytes, 0);
});

test('slab pool: holders of a change have its deadline, less the time of the proof', async () => {
  const asked: number[] = [];
  const { pool, clock } = open({ evict: ({ deadlineMs }) => void asked.push(deadlineMs) });
  take(pool, 8);
  for (const deadlineMs of [30_000, 1_000]) {
    const context = { changeId: 1, phase: 'arrival', deadlineMs, signal } as const;
    await pool.resize({ settings: [{ name: 'size', value: '0', live: true }] }, context);
    await clock.advance(0);
  }
  assert.deepEqual(asked, [26_000, 500]);
});

test('slab pool: a deadline that is no time is refused, and the size stays', async () => {
  const { pool } = open();
  for (const deadlineMs of [-1, Number.NaN])
    await assert.rejects(pool.setBytes(0, { deadlineMs }), /pool: deadlineMs of .* is no time; give milli/);
  assert.equal(pool.sizeBytes, 4 * SLAB);
});

test('slab pool: sizes that do not fit are refused, and say which', () => {
  const wrong: [Partial<SlabPoolOptions>, RegExp][] = [
    [{ slabBytes: 100_000 }, /pool: slabBytes of 100000 are not whole bytes in units of 65536/],
    [{ leaseBytes: 3000 }, /leaseBytes of 3000 do not divide a slab, and slabBytes are 131072; give lease/],
    [{ leaseBytes: 0 }, /leaseBytes of 0/],
    [{ bytes: -1 }, /bytes of -1 are not whole bytes; give a whole number from 0 on/],
    [
      { bytes: SLAB - 1 },
      /bytes of 131071 are less than a slab of 128 KiB; give it more bytes, or smaller slab/,
    ],
    [{ bytes: Number.NaN }, /bytes of NaN/],
  ];
  for (const [options, message] of wrong)
    assert.throws(() => open(options), { code: 'HOTADD_BAD_AMOUNT', message });
  const none = undefined as unknown as SlabPoolOptions;
  assert.throws(() => new SlabPool('pool', none), /pool: there are no options; give \{ bytes \}/);
});

test('slab pool: less than a slab is refused of an author, and is nothing as a budget', async () => {
  const { pool } = open();
  for (const bytes of [1, SLAB - 1, -5, 1.5])
    await assert.rejects(pool.setBytes(bytes), { code: 'HOTADD_BAD_AMOUNT', place: 'pool' });
  assert.equal(pool.sizeBytes, 4 * SLAB);
  const memory = {} as PhysicalMemory;
  const context = { changeId: 1, phase: 'arrival', deadlineMs: 1000, signal } as const;
  const [size] = await pool.resize({ bytes: SLAB - 1, memory }, context);
  assert.deepEqual([size?.value, pool.sizeBytes], ['0', 0]);
});
