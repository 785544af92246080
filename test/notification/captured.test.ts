// The rules of notification on captured guests of the lab, played one after the other: what production code
// hears when a real kernel's files go from one state to the next. The guests are in test/fixtures/machines.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { MiB } from '../../src/core/bytes.ts';
import type { News } from '../../src/core/change.ts';
import type { Machine } from '../../src/core/machine.ts';
import { machineOs } from '../../src/host/machine-os.ts';
import { openPartition } from '../../src/partition/open.ts';
import { ClockSim } from '../../src/testing/clock-sim.ts';

/** The folders of the guests, without `x86_64-` before and what comes after. */
type Guest =
  | '512m-guest'
  | `1g-guest-${'module-offline' | 'module-half-online' | 'module-online' | 'balloon'}`;

function captured(guest: Guest): Machine {
  const root = fileURLToPath(new URL(`../fixtures/machines/x86_64-${guest}`, import.meta.url));
  return machineOs({ root });
}

/** A machine that is one captured guest after the other. A captured one has no uevents: it is polled. */
async function play(first: Guest) {
  const clock = new ClockSim();
  let now = captured(first);
  const machine: Machine = {
    readText: (path) => now.readText(path),
    list: (path) => now.list(path),
    inode: (path) => now.inode(path),
    writeText: (path, text) => now.writeText(path, text),
    writeTextSlowly: (path, text) => now.writeTextSlowly(path, text),
    watch: (path, onHint) => now.watch(path, onHint),
    uevents: (onUevent, onLost) => now.uevents(onUevent, onLost),
    lock: (identity, request) => now.lock(identity, request),
    totalMemoryBytes: () => now.totalMemoryBytes(),
    cpus: now.cpus,
  };
  const partition = await clock.until(openPartition({ partition: 'machine', machine, clock }));
  const news: News[] = [];
  const seen: (number | null)[] = [];
  partition.onChange((each) => {
    news.push(each);
    seen.push(partition.memory.usableBytes);
  });
  const become = async (guest: Guest, forMs = 10_000) => {
    now = captured(guest);
    await clock.advance(forMs);
  };
  return { clock, partition, news, seen, become };
}

test('N1: on a captured guest a module that comes online is heard of once', async () => {
  const { partition, news, seen, become } = await play('512m-guest');
  await become('1g-guest-module-online');
  assert.deepEqual(
    news.map(({ kind }) => kind),
    ['grow'],
  );
  assert.deepEqual(seen, [partition.memory.usableBytes]);
  assert.deepEqual(
    [partition.memory.usableBytes, partition.memory.presentBytes],
    [938256 * 1024, 1024 * MiB],
  );
});

test('N7: on a captured guest a module of which nothing started is seen, and no news', async () => {
  const { clock, partition, news, become } = await play('512m-guest');
  const before = partition.memory.usableBytes;
  await become('1g-guest-module-offline', 180_000);
  assert.deepEqual([news, partition.memory.usableBytes], [[], before]);
  assert.equal(partition.memory.blocks?.offlineBytes, 512 * MiB);
  assert.equal(partition.memory.presentBytes, 1024 * MiB);
  assert.match(partition.sensor.offlineBlocks().command ?? '', /echo online/);
  await clock.until(partition.close());
});

test('N7: on a captured guest half a module gives its half', async () => {
  const { partition, news, become } = await play('512m-guest');
  await become('1g-guest-module-half-online');
  assert.deepEqual([news.length, partition.memory.usableBytes], [1, 676112 * 1024]);
});

test('N8: on a captured guest memory is present first, then usable, and then heard of', async () => {
  const { partition, news, become } = await play('512m-guest');
  const states: (number | null)[][] = [];
  for (const guest of ['module-offline', 'module-half-online', 'module-online'] as const) {
    // No time passes: memory is there before anything can be heard.
    await become(`1g-guest-${guest}`, 0);
    states.push([partition.memory.onlineBytes, news.length]);
    await become(`1g-guest-${guest}`, 70_000);
    states.push([partition.memory.onlineBytes, news.length]);
  }
  const [before, half, all] = [413968, 676112, 938256].map((kib) => kib * 1024);
  assert.deepEqual(states, [
    [before, 0],
    [before, 0],
    [half, 0],
    [half, 1],
    [all, 1],
    [all, 2],
  ]);
});

test('N19: on a captured guest two steps within the quiet time are one piece of news', async () => {
  const { partition, news, become } = await play('512m-guest');
  await become('1g-guest-module-half-online', 200);
  await become('1g-guest-module-online');
  assert.deepEqual([news.length, partition.memory.usableBytes], [1, 938256 * 1024]);
});

test('N20: on a captured guest a balloon that takes memory is no arrival', async () => {
  const { news, become } = await play('1g-guest-module-online');
  await become('1g-guest-balloon');
  await become('1g-guest-module-online');
  assert.deepEqual(
    news.map(({ kind }) => kind),
    ['shrink', 'grow'],
  );
});
