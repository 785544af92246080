// The states low and high, and the pools whose use moves them as everything in use does.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ConditionsSim } from './conditions-sim.ts';
import { PoolSim } from './pools-sim.ts';

const GiB = 1024 ** 3;

function conditionsOf(freeBytes: number, onlineBytes = 3200) {
  const memory = { freeBytes, onlineBytes };
  const conditions = new ConditionsSim({
    freeBytes: () => memory.freeBytes,
    onlineBytes: () => memory.onlineBytes,
  });
  return { memory, conditions };
}

/** Whether a promise has settled by now. */
async function settled(promise: Promise<void>): Promise<boolean> {
  const later = new Promise<false>((resolve) => setImmediate(() => resolve(false)));
  return Promise.race([promise.then(() => true), later]);
}

test('conditions: between low and high there is a band where neither holds', () => {
  for (const [freeBytes, low, high] of [
    [0, true, false],
    [99, true, false],
    [100, false, false],
    [300, false, false],
    [301, false, true],
    [3200, false, true],
  ] as const) {
    const { conditions } = conditionsOf(freeBytes);
    assert.deepEqual([conditions.low, conditions.high], [low, high], `${freeBytes}`);
  }
});

test('conditions: waiting for one that holds ends at once, and again', async () => {
  const { conditions } = conditionsOf(1000);
  assert.equal(await settled(conditions.when('high')), true);
  assert.equal(await settled(conditions.when('high')), true);
});

test('conditions: waiting ends when the condition comes to hold, for everybody who waits', async () => {
  const { memory, conditions } = conditionsOf(1000);
  const waiting = [conditions.when('low'), conditions.when('low')];
  memory.freeBytes = 200;
  conditions.moved();
  assert.equal(await settled(waiting[0] as Promise<void>), false);
  memory.freeBytes = 50;
  conditions.moved();
  assert.deepEqual(await Promise.all(waiting.map(settled)), [true, true]);
});

test('pools: nonpaged is three quarters of the memory at start, paged all of it, both up to 128 GiB', () => {
  assert.equal(new PoolSim('nonpaged', 4 * GiB).sizeBytes, 3 * GiB);
  assert.equal(new PoolSim('paged', 4 * GiB).sizeBytes, 4 * GiB);
  for (const name of ['paged', 'nonpaged'] as const)
    assert.equal(new PoolSim(name, 1024 * GiB).sizeBytes, 128 * GiB);
});

test('pools: the last byte can be taken and not one more, and what is given back can be taken again', () => {
  let moved = 0;
  const pool = new PoolSim('paged', 1000, () => {
    moved += 1;
  });
  assert.deepEqual([pool.take(1000), pool.take(1), pool.usedBytes], [true, false, 1000]);
  pool.give(400);
  assert.deepEqual([pool.take(401), pool.take(400), pool.usedBytes], [false, true, 1000]);
  pool.give(5000);
  assert.deepEqual([pool.usedBytes, moved], [0, 4]);
});

test('pools: short is what it would be larger by, had the system been started with so much', () => {
  const pool = new PoolSim('nonpaged', 4 * GiB);
  assert.deepEqual(
    [pool.shortBytes(8 * GiB), pool.shortBytes(4 * GiB), pool.shortBytes(2 * GiB)],
    [3 * GiB, 0, 0],
  );
});
