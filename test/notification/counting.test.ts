// N19 to N21: nothing is counted twice, removal is told apart from arrival, and free memory is no change; on
// the simulated server with production code.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { MiB } from '../../src/core/bytes.ts';
import { DriverSim } from '../../src/testing/driver-sim.ts';
import { openWorld, PLATFORMS, SETTLED_MS } from './server-world.ts';

/** Less 3 % headroom, in whole MiB. */
const roomOf = (memoryMiB: number) => Math.floor(memoryMiB * 0.97);

for (const platform of PLATFORMS) {
  describe(`counting on ${platform}`, () => {
    test('N19: two modules back to back are one piece of news, and the total counts both', async () => {
      const { server, clock, sim, partition, news } = await openWorld({ platform });
      const driver = new DriverSim('cache', { sizeBytes: 100 * MiB });
      partition.register(driver);
      server.hotAdd(512 * MiB, sim);
      await clock.advance(10);
      server.hotAdd(256 * MiB, sim);
      await clock.advance(SETTLED_MS);
      assert.deepEqual([news.length, driver.calls.length], [1, 1]);
      assert.equal(partition.memory.usableBytes, 1792 * MiB);
      assert.equal(Math.floor(driver.sizeBytes / MiB), roomOf(1792));
    });

    test('N19: hints that come double, late, merged or never lead to no double counting', async () => {
      for (let seed = 1; seed <= 20; seed += 1) {
        const delivery = { delayMs: [0, 3000], duplicated: 0.5, lost: 0.2, overflowed: 0.1 } as const;
        const { server, clock, sim, partition, news } = await openWorld({ platform, seed, delivery });
        const driver = new DriverSim('cache', { sizeBytes: 100 * MiB });
        partition.register(driver);
        const adds = server.random.between(1, 6);
        for (let count = 0; count < adds; count += 1) {
          server.hotAdd(256 * MiB, sim);
          await clock.advance(server.random.between(0, 4000));
        }
        await clock.advance(20_000);
        assert.equal(partition.memory.usableBytes, (1024 + 256 * adds) * MiB, `seed ${seed}`);
        assert.equal(Math.floor(driver.sizeBytes / MiB), roomOf(1024 + 256 * adds), `seed ${seed}`);
        assert.ok(news.length <= adds && driver.calls.length <= adds, `seed ${seed}: ${news.length}`);
        assert.equal(new Set(news.map(({ changeId }) => changeId)).size, news.length, `seed ${seed}`);
      }
    });

    test('N19: modules too small to be news are planned for once they add up to some', async () => {
      const { server, clock, sim, partition, news } = await openWorld({ platform, modules: [32_768 * MiB] });
      for (const heard of [0, 0, 1]) {
        server.hotAdd(128 * MiB, sim);
        await clock.advance(SETTLED_MS);
        assert.equal(news.length, heard);
      }
      assert.equal(partition.notifier.plannedForBytes, (32_768 + 3 * 128) * MiB);
    });

    test('N21: low and high hold as long as they hold, with a band between where neither does', async () => {
      const { sim } = await openWorld({ platform, modules: [3200 * MiB], blockBytes: 128 * MiB });
      const web = sim.run('web');
      const states = [0, 2899, 2901, 3099, 3101, 2901, 2899].map((usedMiB) => {
        web.use(usedMiB * MiB);
        return sim.conditions.low ? 'low' : sim.conditions.high ? 'high' : 'neither';
      });
      assert.deepEqual(states, ['high', 'high', 'neither', 'neither', 'low', 'neither', 'high']);
    });

    test('N21: a module that is consumed at once sets no condition', async () => {
      const { server, clock, sim, news } = await openWorld({ platform, blockBytes: 64 * MiB });
      sim.run('web', 1020 * MiB);
      let high = false;
      void sim.conditions.when('high').then(() => {
        high = true;
      });
      const growing = sim.run('growing');
      for (let count = 0; count < 4; count += 1) {
        server.hotAdd(64 * MiB, sim);
        growing.use((count + 1) * 64 * MiB);
        await clock.advance(SETTLED_MS);
      }
      assert.deepEqual([news.length, high, sim.conditions.low], [4, false, true]);
    });

    test('N21: a condition may hold without a module, and one that holds tells of none', async () => {
      const { server, clock, sim, partition, news } = await openWorld({ platform });
      const web = sim.run('web', 1020 * MiB);
      assert.equal(sim.conditions.low, true);
      const high = sim.conditions.when('high');
      web.end();
      await clock.until(high);
      await clock.advance(60_000);
      assert.deepEqual([news.length, partition.memory.usableBytes], [0, 1024 * MiB]);
      const before = [sim.conditions.low, sim.conditions.high];
      server.hotAdd(512 * MiB, sim);
      assert.deepEqual([sim.conditions.low, sim.conditions.high], before);
    });

    test('N21: free memory that moves is never a change, however low or high it is', async () => {
      const { clock, sim, partition, news } = await openWorld({ platform });
      const web = sim.run('web');
      for (const usedMiB of [100, 1000, 1023, 10, 900, 1024, 0]) {
        web.use(usedMiB * MiB);
        await clock.advance(200_000);
        assert.deepEqual([news, partition.memory.usableBytes], [[], 1024 * MiB], `${usedMiB} MiB in use`);
      }
    });
  });
}

test('N19: a module that is gone again before it is news is no change', async () => {
  const { server, clock, sim, partition, news } = await openWorld();
  const module = server.module(512 * MiB);
  server.hotAdd(module, sim);
  await clock.advance(100);
  await clock.until(server.hotRemove(module));
  await clock.advance(60_000);
  assert.deepEqual([news, partition.memory.usableBytes], [[], 1024 * MiB]);
});

test('N20: removal and arrival are told apart, and only arrival is growth', async () => {
  const { server, clock, sim, partition, news } = await openWorld();
  const driver = new DriverSim('cache', { sizeBytes: 100 * MiB });
  partition.register(driver);
  const module = server.module(512 * MiB);
  server.hotAdd(module, sim);
  await clock.advance(SETTLED_MS);
  const grown = driver.sizeBytes;
  await clock.until(server.hotRemove(module));
  await clock.advance(10_000);
  assert.deepEqual(
    news.map(({ kind }) => kind),
    ['grow', 'shrink'],
  );
  assert.deepEqual(
    [grown, driver.sizeBytes].map((bytes) => Math.floor(bytes / MiB)),
    [roomOf(1536), roomOf(1024)],
  );
});

test('N20: a removal that is refused and gives back what it took is heard of by nobody', async () => {
  const refuses = (block: number) => (block === 10 ? 'EBUSY' : undefined);
  const { server, clock, sim, partition, news } = await openWorld({ refuses, offlineMs: 200 });
  const module = server.module(512 * MiB);
  server.hotAdd(module, sim);
  await clock.advance(SETTLED_MS);
  const removing = assert.rejects(server.hotRemove(module), /block 10 stays online/);
  await clock.advance(500);
  assert.equal(partition.memory.usableBytes, 1280 * MiB);
  await clock.until(removing);
  await clock.advance(60_000);
  assert.deepEqual([partition.memory.usableBytes, news.length], [1536 * MiB, 1]);
});
