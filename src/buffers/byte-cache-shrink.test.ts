// A cache that is shrunk while values are in use: whatever the order in which they are released, all that is
// too much goes back, and nobody has to ask again.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { KiB, MiB } from '../core/bytes.ts';
import type { Clock } from '../core/clock.ts';
import { ClockSim } from '../testing/clock-sim.ts';
import { ByteCache } from './byte-cache.ts';
import type { ValueLease } from './value-lease.ts';

const SEGMENT = 64 * KiB;

function open(slabs: number, slabBytes = SEGMENT) {
  const clock = new ClockSim();
  const cache = new ByteCache('cache', { bytes: slabs * slabBytes, slabBytes, clock, seed: 1 });
  return { clock, cache };
}

/** Values that fill a segment each. */
function fill(cache: ByteCache, segments: number): void {
  for (let index = 0; index < segments; index += 1) cache.set(`key ${index}`, new Uint8Array(SEGMENT - 64));
}

function viewAll(cache: ByteCache, segments: number): ValueLease[] {
  return Array.from({ length: segments }, (_, index) => cache.get(`key ${index}`)).filter(
    (lease) => lease !== null,
  );
}

test('byte cache: leases that are released in one turn all give their memory back', async () => {
  const { cache, clock } = open(9);
  fill(cache, 8);
  const leases = viewAll(cache, 8);
  await clock.until(cache.setBytes(0, { deadlineMs: 10 }));
  assert.deepEqual([leases.length, cache.heldBytes], [8, 8 * SEGMENT]);
  for (const lease of leases) lease.release();
  await clock.advance(0);
  assert.equal(cache.heldBytes, 0);
});

test('byte cache: a table of the index in a recalled slab goes when a view makes room for it', async () => {
  const { cache, clock } = open(128);
  for (let index = 0; index < 80_000; index += 1) cache.set(`${index}`, new Uint8Array(8));
  const leases = Array.from({ length: 80_000 }, (_, index) => cache.get(`${index}`));
  const { heldBytes } = cache;
  await clock.until(cache.setBytes(heldBytes - SEGMENT, { deadlineMs: 10 }));
  assert.equal(cache.heldBytes, heldBytes, 'all other memory is in use');
  for (const lease of leases) lease?.release();
  await clock.advance(0);
  assert.ok(cache.heldBytes < heldBytes, `${cache.heldBytes} are held of ${cache.sizeBytes}`);
});

test('byte cache: a shrink ends also where every value is asked for in each turn of the loop', async () => {
  const sim = new ClockSim();
  const slabBytes = 4 * MiB;
  let turns = 0;
  const after: Clock['after'] = (delayMs, callback) =>
    sim.after(delayMs, () => {
      turns += 1;
      if (turns < 1000) for (let index = 0; index < 256; index += 1) cache.get(`key ${index}`)?.release();
      callback();
    });
  const clock = { monotonicMs: () => sim.monotonicMs(), wallMs: () => sim.wallMs(), after };
  const sizes = { bytes: 4 * slabBytes, slabBytes, segmentBytes: slabBytes };
  const cache: ByteCache = new ByteCache('cache', { ...sizes, clock });
  fill(cache, 250);
  await sim.until(cache.setBytes(slabBytes));
  assert.ok(cache.heldBytes <= slabBytes && turns < 50, `${turns} turns, ${cache.heldBytes} are held`);
});

test('byte cache: it is never larger than it can number, however it is told to be', async () => {
  const ceilingBytes = 2 ** 15 * SEGMENT;
  const { cache, clock } = open((2 * ceilingBytes) / MiB, MiB);
  const context = { changeId: 1, phase: 'arrival', deadlineMs: 1000, signal: new AbortController().signal };
  const setting = { name: 'size', value: String(4 * ceilingBytes), live: true };
  assert.equal(cache.sizeBytes, ceilingBytes);
  await clock.until(cache.setBytes(3 * ceilingBytes));
  assert.equal(cache.sizeBytes, ceilingBytes);
  const [size] = await cache.resize({ settings: [setting] }, context as Parameters<typeof cache.resize>[1]);
  assert.equal(size?.value, String(ceilingBytes));
  assert.equal((await cache.read()).ceilingBytes, ceilingBytes);
  for (const bytes of [Number.POSITIVE_INFINITY, Number.NaN, -1, 1.5])
    await assert.rejects(cache.setBytes(bytes), { code: 'HOTADD_BAD_AMOUNT' });
});

test('byte cache: leases are named only where leases keep memory at the end of a shrink', async () => {
  const { cache, clock } = open(64, MiB);
  for (let index = 0; index < 2_000; index += 1) cache.set(`key ${index}`, new Uint8Array(32 * KiB));
  const shrunk = cache.setBytes(4 * MiB, { deadlineMs: 10 });
  const said = [await cache.read()];
  const look = () =>
    clock.after(0, () => {
      void cache.read().then((state) => said.push(state));
      if (cache.heldBytes > 4 * MiB) look();
    });
  look();
  await clock.until(shrunk);
  const moving = said.filter((state) => state.moving !== undefined);
  assert.deepEqual(
    new Set(moving.map(({ why }) => why?.held)),
    new Set([undefined, 'it still evicts, a slice per turn of the loop']),
  );
  assert.deepEqual([...new Set(moving.map((state) => state.moving?.note))], ['what has no room is evicted']);
  assert.equal((await cache.read()).why?.held, undefined);
  const lease = cache.get('key 1999');
  await clock.until(cache.setBytes(0, { deadlineMs: 10 }));
  assert.match((await cache.read()).why?.held ?? '', /^1 MiB in slabs with leases that were not released$/);
  lease?.release();
  await clock.advance(0);
  assert.equal((await cache.read()).why?.held, undefined);
});
