// N15 to N18: how news is delivered, and what it says; on the simulated server with production code.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { MiB } from '../../src/core/bytes.ts';
import type { News } from '../../src/core/change.ts';
import { DriverSim } from '../../src/testing/driver-sim.ts';
import { openWorld, PLATFORMS, SETTLED_MS, type World } from './server-world.ts';

async function add({ server, clock, sim }: World): Promise<void> {
  server.hotAdd(512 * MiB, sim);
  await clock.advance(SETTLED_MS);
}

for (const platform of PLATFORMS) {
  describe(`delivery on ${platform}`, () => {
    test('N15: nobody is called from within the operation that adds memory', async () => {
      const { server, clock, sim, partition, news } = await openWorld({ platform });
      server.hotAdd(512 * MiB, sim);
      await clock.advance(249);
      assert.equal(news.length, 0);
      const heard: string[] = [];
      partition.onChange(({ cause }) => void heard.push(cause));
      partition.registry.tell({ changeId: 1, kind: 'grow', phase: 'arrival', cause: 'a test' });
      assert.deepEqual(heard, [], 'the caller has not been left');
      await clock.advance(0);
      assert.deepEqual(heard, ['a test']);
    });

    test('N15: however late hints are, or if none comes, sizes end where memory is', async () => {
      for (const delivery of [
        {},
        { delayMs: [100, 900] },
        { delayMs: [60_000, 90_000] },
        { lost: 1 },
      ] as const) {
        const world = await openWorld({ platform, delivery });
        const driver = new DriverSim('cache', { sizeBytes: 100 * MiB });
        world.partition.register(driver);
        await add(world);
        await add(world);
        assert.equal(Math.floor(driver.sizeBytes / MiB), 1986, JSON.stringify(delivery));
        await world.clock.advance(200_000);
        assert.deepEqual([world.news.length, driver.calls.length], [2, 2], JSON.stringify(delivery));
      }
    });

    test('N15: memory is right before the news of it, and between two', async () => {
      const { server, clock, sim, partition, news } = await openWorld({ platform });
      for (let count = 1; count <= 8; count += 1) {
        server.hotAdd(128 * MiB, sim);
        assert.equal(partition.memory.usableBytes, (1024 + 128 * count) * MiB);
        await clock.advance(100);
        assert.equal(partition.memory.usableBytes, (1024 + 128 * count) * MiB);
      }
      await clock.advance(SETTLED_MS);
      assert.ok(news.length >= 1);
    });

    test('N16: a listener that does not return delays no other, and is named with its time', async () => {
      const world = await openWorld({ platform });
      const driver = new DriverSim('cache', { sizeBytes: 100 * MiB });
      world.partition.register(driver);
      world.partition.onChange(function thumbnails() {
        return new Promise(() => {});
      });
      const heard: number[] = [];
      world.partition.onChange(({ changeId }) => void heard.push(changeId));
      await add(world);
      await add(world);
      assert.deepEqual([heard, driver.calls.length], [[1, 2], 2]);
      await world.clock.advance(60_000);
      const [slow, ...others] = world.partition.registry.slowListeners(1000);
      assert.deepEqual([slow?.name, others], ['thumbnails', []]);
      assert.ok((slow?.busyMs ?? 0) > 60_000, `${slow?.busyMs} ms`);
    });

    test('N16: a listener that blocked is named with its time after it has returned', async () => {
      const world = await openWorld({ platform });
      world.partition.onChange(async function thumbnails() {
        await new Promise<void>((resolve) => world.clock.after(4000, resolve));
      });
      await add(world);
      await world.clock.advance(10_000);
      const { registry } = world.partition;
      assert.deepEqual(registry.slowListeners(1000), [{ name: 'thumbnails', busyMs: 0, longestMs: 4000 }]);
      assert.deepEqual(registry.slowListeners(4000), []);
    });

    test('N16: a slow listener hears in order, one piece of news at a time', async () => {
      const world = await openWorld({ platform });
      const seen: string[] = [];
      world.partition.onChange(async ({ changeId }) => {
        seen.push(`${changeId} begins`);
        await new Promise<void>((resolve) => world.clock.after(20_000, resolve));
        seen.push(`${changeId} ends`);
      });
      await add(world);
      await add(world);
      await world.clock.advance(60_000);
      assert.deepEqual(seen, ['1 begins', '1 ends', '2 begins', '2 ends']);
    });

    test('N17: an error thrown at an arrival vetoes nothing, and is recorded by name', async () => {
      const world = await openWorld({ platform });
      const driver = new DriverSim('cache', { sizeBytes: 100 * MiB });
      world.partition.onChange(function throws() {
        throw new Error('not my day');
      });
      world.partition.onChange(async function rejects() {
        throw new Error('nor mine');
      });
      world.partition.register(driver);
      const heard: number[] = [];
      world.partition.onChange(({ changeId }) => void heard.push(changeId));
      await add(world);
      assert.equal(world.partition.memory.usableBytes, 1536 * MiB);
      assert.equal(Math.floor(driver.sizeBytes / MiB), 1489);
      await add(world);
      assert.deepEqual(heard, [1, 2]);
      assert.deepEqual(world.partition.registry.listenerErrors(), [
        { name: 'throws', error: 'not my day' },
        { name: 'rejects', error: 'nor mine' },
      ]);
    });

    test('N17: a driver that throws or refuses at an arrival keeps no other from growing', async () => {
      for (const behaviour of ['throw', 'refuse', 'hang', 'ignore'] as const) {
        const world = await openWorld({ platform });
        const [bad, good] = ['bad', 'good'].map((name) => new DriverSim(name, { sizeBytes: 100 * MiB }));
        assert.ok(bad && good);
        bad.behaviour = behaviour;
        for (const driver of [bad, good]) world.partition.register(driver);
        await add(world);
        await world.clock.advance(60_000);
        assert.equal(world.partition.memory.usableBytes, 1536 * MiB, behaviour);
        assert.ok(good.sizeBytes > 600 * MiB, `${behaviour}: ${good.sizeBytes / MiB} MiB`);
      }
    });

    test('N18: the news carries no amount, and nothing that could be added up', async () => {
      const world = await openWorld({ platform });
      await add(world);
      assert.deepEqual(world.news, [
        { changeId: 1, kind: 'grow', phase: 'arrival', cause: 'MemTotal' },
      ] satisfies News[]);
    });

    test('N18: in the callback memory shows the new total already', async () => {
      const world = await openWorld({ platform, delivery: { delayMs: [0, 500], duplicated: 0.5 } });
      const seen: (number | null)[] = [];
      world.partition.onChange(() => void seen.push(world.partition.memory.usableBytes));
      await add(world);
      await add(world);
      assert.deepEqual(seen, [1536 * MiB, 2048 * MiB]);
    });
  });
}
