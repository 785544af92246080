// When a movement of memory is a change (S4), with plain numbers for time.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MiB } from './bytes.ts';
import type { Limit, PhysicalMemory } from './memory.ts';
import { Settler } from './settle.ts';

function memory(totalMiB: number, usedMiB = 100, limit: Limit = 'max'): PhysicalMemory {
  const usable = limit === 'max' ? totalMiB * MiB : Math.min(limit, totalMiB * MiB);
  return {
    usableBytes: usable,
    levels: [
      { name: '/app', file: 'memory.max', limitBytes: limit, usedBytes: usedMiB * MiB },
      { name: 'machine', file: 'MemTotal', limitBytes: totalMiB * MiB, usedBytes: usedMiB * MiB },
    ],
    gone: false,
  } as unknown as PhysicalMemory;
}

function settled(totalMiB: number) {
  const settler = new Settler(2);
  settler.look(memory(totalMiB), totalMiB * MiB, 0);
  return settler;
}

test('settle: a limit is a fact at once, and names the file (S4)', () => {
  const settler = settled(1000);
  assert.deepEqual(settler.look(memory(1000, 100, 512 * MiB), 1000 * MiB, 1), {
    due: true,
    cause: 'memory.max of /app',
  });
});

test('settle: where a level has two files, the one that was written is named (S4)', () => {
  const settler = settled(1000);
  const limited = memory(1000, 100, 512 * MiB);
  const [own, machine] = limited.levels;
  const high = { ...limited, levels: [{ ...own, file: 'memory.high' }, machine] } as PhysicalMemory;
  assert.deepEqual(settler.look(high, 1000 * MiB, 1), { due: true, cause: 'memory.high of /app' });
  settler.look(high, 512 * MiB, 2);
  // memory.high is lifted, and memory.max binds: it is memory.high that moved.
  const lifted = memory(1000, 100, 700 * MiB);
  assert.deepEqual(settler.look(lifted, 512 * MiB, 3), { due: true, cause: 'memory.high of /app' });
});

test('settle: growth of MemTotal waits for 250 ms of quiet (S4)', () => {
  const settler = settled(1000);
  assert.deepEqual(settler.look(memory(1128), 1000 * MiB, 0), { due: false, againInMs: 250 });
  assert.deepEqual(settler.look(memory(1256), 1000 * MiB, 200), { due: false, againInMs: 250 });
  assert.deepEqual(settler.look(memory(1256), 1000 * MiB, 449), { due: false, againInMs: 1 });
  assert.deepEqual(settler.look(memory(1256), 1000 * MiB, 450), { due: true, cause: 'MemTotal' });
});

test('settle: growth that never rests is a change after 5 s (S4)', () => {
  const settler = settled(1000);
  for (let atMs = 0; atMs < 5000; atMs += 100) {
    assert.equal(settler.look(memory(1128 + atMs / 100), 1000 * MiB, atMs).due, false);
  }
  assert.equal(settler.look(memory(1500), 1000 * MiB, 5000).due, true);
});

test('settle: growth within 1 % of what was planned for is no change (S4)', () => {
  assert.deepEqual(settled(1000).look(memory(1009), 1000 * MiB, 0), { due: false, againInMs: null });
});

test('settle: a fall with headroom waits for 1 s of quiet, and one that comes back is no change (S4)', () => {
  const settler = settled(1000);
  assert.deepEqual(settler.look(memory(872), 1000 * MiB, 0), { due: false, againInMs: 1000 });
  assert.deepEqual(settler.look(memory(1000), 1000 * MiB, 30), { due: false, againInMs: null });
  assert.deepEqual(settler.look(memory(872), 1000 * MiB, 60), { due: false, againInMs: 1000 });
  assert.equal(settler.look(memory(872), 1000 * MiB, 1060).due, true);
});

test('settle: a fall without headroom acts at once, and again as it deepens (S4)', () => {
  const settler = settled(1000);
  assert.equal(settler.look(memory(872, 860), 1000 * MiB, 0).due, true);
  assert.equal(settler.look(memory(744, 860), 872 * MiB, 5).due, true);
});

test('settle: a fall of the smallest size is a change: the dead-band is for growth only (S4)', () => {
  const settler = settled(1000);
  assert.deepEqual(settler.look(memory(999), 1000 * MiB, 0), { due: false, againInMs: 1000 });
});

test('settle: modules that come while a lifted limit is planned for settle as ever (S4)', () => {
  const settler = new Settler(2);
  settler.look(memory(1000, 100, 500 * MiB), 500 * MiB, 0);
  const lifted = settler.look(memory(1000, 100, 4000 * MiB), 500 * MiB, 1);
  assert.deepEqual(lifted, { due: true, cause: 'memory.max of /app' });
  // Before anybody has looked again a module arrives, block by block.
  const look = (totalMiB: number, atMs: number) =>
    settler.look(memory(totalMiB, 100, 4000 * MiB), 1000 * MiB, atMs);
  assert.deepEqual(look(1128, 2), { due: false, againInMs: 250 });
  assert.deepEqual(look(1256, 100), { due: false, againInMs: 250 });
  assert.deepEqual(look(1256, 350), { due: true, cause: 'MemTotal' });
});
