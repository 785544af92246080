// What one hot add costs a large server, counted: files that are read, drivers that are called. The same at
// three sizes, which are smaller than those of bench/server.bench.ts.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DEAD_BAND } from '../src/core/plan.ts';
import { LargeServer, MODULE_BYTES, readsSince } from './large-server.ts';

const SIZES = [128, 512, 1_024];
const BLOCKS = [1, 8, 64];
/** Polls that look at moving memory have ended, and none of all blocks has begun. */
const QUIET_MS = 3_000;
/** Added, settled, planned, resized and measured again. */
const OVER_MS = 10_000;

/** What is read for a hot add of so many blocks: at its events, and until all is over. */
async function readsOf(modules: number, blocks: number) {
  const large = await LargeServer.open({ modules });
  const { reads, partition } = large.first;
  large.first.fill({ ceiling: 3 });
  await large.clock.advance(QUIET_MS);
  const before = { ...reads };
  large.hotAdd(blocks);
  const atOnce = readsSince(reads, before);
  await large.clock.advance(QUIET_MS);
  const { presentBytes } = partition.memory;
  const inAll = readsSince(reads, before);
  const { length: changes } = large.first.outcomes;
  await large.close();
  assert.equal(presentBytes, (modules + blocks) * MODULE_BYTES);
  return { atOnce, inAll, changes };
}

test('a hot add reads two files for each block added, whatever is there already', async () => {
  for (const blocks of BLOCKS) {
    for (const modules of SIZES) {
      const { atOnce } = await readsOf(modules, blocks);
      const expected = { total: 2 * blocks, blocks: 2 * blocks, meminfo: 0, nodes: 0, others: 0, lists: 0 };
      assert.deepEqual(atOnce, expected, `${blocks} blocks to ${modules} modules`);
    }
  }
});

test('all reads until a hot add is over: a constant beside those of the blocks', async () => {
  const beside = new Set<number>();
  for (const blocks of BLOCKS) {
    for (const modules of SIZES) {
      const { inAll, changes } = await readsOf(modules, blocks);
      assert.deepEqual([inAll.blocks, inAll.lists], [2 * blocks, 0]);
      // Growth within the dead-band is no change, and looks at no driver: hence two constants.
      assert.equal(changes, Number(blocks >= modules * DEAD_BAND));
      beside.add(inAll.total - inAll.blocks);
    }
  }
  assert.ok(beside.size <= 2 && Math.max(...beside) < 100, [...beside].join(', '));
});

/** Calls of drivers by a hot add that grows memory by a sixteenth. */
async function callsOf(drivers: number, moving: number) {
  const large = await LargeServer.open({ partitions: 3, modules: 128 });
  const staying = Math.floor((drivers - moving) / 3);
  // Where nobody has a share those with a minimum would have the rest.
  const minimum = moving === 0 ? 0 : staying;
  const ceiling = drivers - moving - staying - minimum;
  for (const each of large.partitions) each.fill({ share: moving, ceiling, maximum: staying, minimum });
  await large.clock.advance(QUIET_MS);
  const before = large.partitions.map(({ called, driverReads }) => ({ called: called.length, driverReads }));
  large.hotAdd(8);
  await large.clock.advance(OVER_MS);
  const after = large.partitions.map(({ called, driverReads }, index) => ({
    called: called.slice(before[index]?.called ?? 0),
    driverReads: driverReads - (before[index]?.driverReads ?? 0),
  }));
  const told = large.partitions.map(({ outcomes }) => outcomes.at(-1)?.change.kind);
  await large.close();
  const [first, ...others] = after;
  return { first, others, told };
}

test('a hot add calls the drivers beyond the dead-band, once, and nobody else', async () => {
  for (const drivers of [20, 100, 500]) {
    for (const moving of [0, 1, Math.floor(drivers / 7), drivers]) {
      const { first, others, told } = await callsOf(drivers, moving);
      const expected = Array.from({ length: moving }, (_, index) => `share ${index}`);
      assert.deepEqual(first?.called, expected, `${moving} of ${drivers}`);
      assert.equal(told[0], 'grow');
      for (const other of others) assert.deepEqual(other.called, []);
      assert.notEqual(told[1], 'grow');
    }
  }
});

test('drivers as found that are within 1 % of their new share are not called', async () => {
  for (const drivers of [10, 100, 1_000]) {
    const large = await LargeServer.open({ modules: 128 });
    large.first.fillAsFound(drivers, 8 * MODULE_BYTES);
    await large.clock.advance(QUIET_MS);
    large.hotAdd(8);
    await large.clock.advance(OVER_MS);
    const { called, outcomes } = large.first;
    assert.deepEqual([called, outcomes.length], [[], 1]);
    assert.match(outcomes[0]?.report ?? '', /nobody had to move/);
    await large.close();
  }
});

test('partitions that were given nothing read what they read in any other time', async () => {
  for (const modules of SIZES) {
    const large = await LargeServer.open({ partitions: 3, modules });
    const others = large.partitions.slice(1);
    for (const each of large.partitions) each.fill({ ceiling: 10 });
    const during = async (act: () => void) => {
      const before = others.map(({ reads, driverReads }) => ({ ...reads, driverReads }));
      act();
      await large.clock.advance(OVER_MS);
      return others.map(({ reads, driverReads }, index) => {
        const then = before[index] ?? { ...reads, driverReads: 0 };
        return { ...readsSince(reads, then), driverReads: driverReads - then.driverReads };
      });
    };
    await large.clock.advance(OVER_MS);
    const idle = await during(() => {});
    assert.deepEqual(await during(() => large.hotAdd(64)), idle);
    assert.ok(idle.every(({ blocks, lists, total }) => blocks === 0 && lists === 0 && total > 0));
    await large.close();
  }
});
