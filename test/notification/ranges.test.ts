// N6 to N10: what a module can fill, what starts of it, when its memory is there, and what stays as it was at
// start; on the simulated server with production code.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { MiB } from '../../src/core/bytes.ts';
import { DriverSim } from '../../src/testing/driver-sim.ts';
import { openWorld, PLATFORMS, refusedAs, SETTLED_MS } from './server-world.ts';

const BLOCK = 128 * MiB;

for (const platform of PLATFORMS) {
  describe(`ranges on ${platform}`, () => {
    test('N6: the last step up to the ceiling is taken, and one block more is refused', async () => {
      const { server, clock, sim, partition, news } = await openWorld({ platform, ceilingBytes: 1536 * MiB });
      server.hotAdd(384 * MiB, sim);
      assert.equal(server.hotAdd(BLOCK, sim).result, 'done');
      await clock.advance(SETTLED_MS);
      assert.deepEqual([partition.memory.usableBytes, news.length], [1536 * MiB, 1]);
      assert.throws(() => server.hotAdd(BLOCK, sim), refusedAs(/does not fit the ranges/));
    });

    test('N6: an add beyond the ceiling changes nothing, and nobody hears of it', async () => {
      const { server, clock, sim, partition, news } = await openWorld({ platform, ceilingBytes: 1536 * MiB });
      const module = server.module(512 * MiB + BLOCK);
      const before = partition.memory;
      assert.throws(() => server.hotAdd(module, sim), refusedAs(/start the partition with a higher ceiling/));
      await clock.advance(60_000);
      assert.deepEqual(partition.memory, before);
      assert.deepEqual([server.serviceProcessor.ownerOf(module), sim.parked, news], [null, [], []]);
      assert.equal(server.hotAdd(512 * MiB, sim).result, 'done', 'the ranges are as free as before');
    });

    test('N6: without a ceiling it is 16 times the memory at start, anew at each start', async () => {
      const { server, sim } = await openWorld({ platform, modules: [BLOCK] });
      server.hotAdd(15 * BLOCK, sim);
      assert.throws(() => server.hotAdd(BLOCK, sim), refusedAs(/declared when it started/));
      sim.restart();
      assert.equal(server.hotAdd(15 * 16 * BLOCK, sim).result, 'done');
    });

    test('N7: a module that fails to start is parked and shown, and nobody hears of it', async () => {
      const { server, clock, sim, partition, news } = await openWorld({ platform });
      const module = server.module(512 * MiB, { startsBytes: 0 });
      const before = partition.memory;
      const { result, bytes, note } = server.hotAdd(module, sim);
      assert.deepEqual([result, bytes, note], ['parked', 0, 'it failed to start']);
      assert.equal(server.journal.at(-1)?.result, 'parked');
      await clock.advance(60_000);
      assert.deepEqual(partition.memory, before);
      assert.deepEqual([sim.parked, sim.modules.includes(module), news], [[module], false, []]);
    });

    test('N7: a module that starts in part gives that part once, and harms nothing', async () => {
      const { server, clock, sim, partition, news } = await openWorld({ platform });
      const web = sim.run('web', 900 * MiB);
      const driver = new DriverSim('cache', { sizeBytes: 100 * MiB });
      partition.register(driver);
      const { result, bytes } = server.hotAdd(server.module(512 * MiB, { startsBytes: 2.5 * BLOCK }), sim);
      assert.deepEqual([result, bytes], ['partly', 2 * BLOCK]);
      await clock.advance(SETTLED_MS);
      assert.deepEqual([partition.memory.usableBytes, news.length], [1024 * MiB + 2 * BLOCK, 1]);
      assert.ok(driver.sizeBytes > 100 * MiB && driver.sizeBytes < 1024 * MiB + 2 * BLOCK);
      assert.deepEqual([web.alive, sim.kills], [true, []]);
      assert.equal(server.hotAdd(512 * MiB, sim).result, 'done');
    });

    test('N7: a parked module that is mended starts with the partition', async () => {
      const { server, sim, again } = await openWorld({ platform });
      const module = server.module(512 * MiB, { startsBytes: 0 });
      server.hotAdd(module, sim);
      module.startsBytes = module.sizeBytes;
      assert.equal(sim.onlineBytes, 1024 * MiB);
      sim.restart();
      assert.deepEqual([sim.parked, sim.modules.includes(module)], [[], true]);
      assert.equal((await again()).partition.memory.usableBytes, 1536 * MiB);
    });

    test('N8: anyone can take the memory of a module before any listener hears of it', async () => {
      const { server, clock, sim, partition, news } = await openWorld({
        platform,
        delivery: { delayMs: [900, 900] },
      });
      sim.run('web', 1000 * MiB);
      server.hotAdd(512 * MiB, sim);
      const other = sim.run('other', 500 * MiB);
      assert.deepEqual([news.length, other.alive, sim.kills], [0, true, []]);
      await clock.advance(SETTLED_MS);
      assert.deepEqual([news.length, partition.memory.usableBytes], [1, 1536 * MiB]);
      assert.deepEqual([other.alive, sim.kills], [true, []]);
    });

    test('N8: whoever hears finds the memory usable', async () => {
      const { server, clock, sim, partition } = await openWorld({ platform });
      const seen: (number | null)[][] = [];
      partition.onChange(() => {
        const { onlineBytes, usableBytes } = partition.memory;
        seen.push([sim.presentBytes, onlineBytes, usableBytes]);
      });
      server.hotAdd(512 * MiB, sim);
      await clock.advance(SETTLED_MS);
      assert.deepEqual(seen, [[1536 * MiB, 1536 * MiB, 1536 * MiB]]);
    });

    test('N9: paged and nonpaged pool keep the size they had at start, whatever is added', async () => {
      const { server, clock, sim, partition } = await openWorld({ platform });
      const sizes = () => [sim.pools.paged.sizeBytes, sim.pools.nonpaged.sizeBytes];
      assert.deepEqual(sizes(), [1024 * MiB, 768 * MiB]);
      for (let count = 0; count < 3; count += 1) {
        server.hotAdd(512 * MiB, sim);
        await clock.advance(SETTLED_MS);
        assert.deepEqual(sizes(), [1024 * MiB, 768 * MiB]);
      }
      assert.equal(partition.memory.usableBytes, 2560 * MiB);
      assert.equal(sim.pools.nonpaged.shortBytes(sim.onlineBytes), 1152 * MiB);
    });

    test('N9: a pool that is full stays full when memory is added', async () => {
      const { server, clock, sim } = await openWorld({ platform });
      const { nonpaged } = sim.pools;
      assert.equal(nonpaged.take(nonpaged.sizeBytes), true);
      server.hotAdd(1024 * MiB, sim);
      await clock.advance(SETTLED_MS);
      assert.ok(sim.freeBytes > 1024 * MiB);
      assert.equal(nonpaged.take(1), false);
      nonpaged.give(1);
      assert.equal(nonpaged.take(1), true);
    });

    test('N9: pools are sized again when the partition starts again', async () => {
      const { server, sim } = await openWorld({ platform });
      const { nonpaged } = sim.pools;
      server.hotAdd(1024 * MiB, sim);
      sim.restart();
      assert.deepEqual([nonpaged.sizeBytes, sim.pools.nonpaged.sizeBytes], [768 * MiB, 1536 * MiB]);
      assert.equal(sim.pools.nonpaged.usedBytes, 0);
    });

    test('N10: right after a restart the total is what it was before, with all that was added', async () => {
      const { server, clock, sim, partition, again } = await openWorld({ platform });
      server.hotAdd(512 * MiB, sim);
      const { usableBytes } = partition.memory;
      await clock.until(partition.close());
      sim.restart();
      const software = await again();
      assert.equal(software.partition.memory.usableBytes, usableBytes);
      await clock.advance(60_000);
      assert.deepEqual(software.news, [], 'memory that is there at start is no change');
    });

    test('N10: a power cycle keeps the map of all, with what was replaced and parked', async () => {
      const { server, clock, sim, partition } = await openWorld({ platform });
      const other = server.partition('other', { modules: [1024 * MiB] });
      const [old] = other.modules;
      assert.ok(old);
      server.hotAdd(512 * MiB, sim);
      server.hotAdd(server.module(256 * MiB, { startsBytes: 0 }), sim);
      server.hotReplace(old, server.module(1024 * MiB));
      await clock.until(partition.close());
      const map = () =>
        server.serviceProcessor.modules.map((module) => server.serviceProcessor.ownerOf(module));
      const before = { map: map(), modules: other.modules.map(({ id }) => id), parked: sim.parked };
      server.powerCycle();
      assert.deepEqual(
        { map: map(), modules: other.modules.map(({ id }) => id), parked: sim.parked },
        before,
      );
      assert.deepEqual([sim.onlineBytes, other.onlineBytes], [1536 * MiB, 1024 * MiB]);
      assert.deepEqual([sim.starts, other.starts], [2, 2]);
    });

    test('N10: software that starts after a restart is planned for the memory that is there', async () => {
      const { server, clock, sim, partition, again } = await openWorld({ platform });
      server.hotAdd(1024 * MiB, sim);
      await clock.until(partition.close());
      sim.restart();
      const software = await again();
      const driver = new DriverSim('cache', { sizeBytes: 100 * MiB });
      software.partition.register(driver, { existing: true });
      await clock.advance(SETTLED_MS);
      assert.equal(Math.floor(driver.sizeBytes / MiB), 1986);
    });
  });
}

test('N6: memory that was removed leaves its ranges to another module', async () => {
  const { server, clock, sim, partition } = await openWorld({ ceilingBytes: 1536 * MiB });
  const module = server.module(512 * MiB);
  server.hotAdd(module, sim);
  await clock.until(server.hotRemove(module));
  assert.equal(server.hotAdd(512 * MiB, sim).result, 'done');
  assert.equal(partition.memory.usableBytes, 1536 * MiB);
});

test('N6: ranges that are free in pieces take no module that is larger than each', async () => {
  const { server, clock, sim, partition, news } = await openWorld({ ceilingBytes: 2048 * MiB });
  const [low, middle] = [server.module(512 * MiB), server.module(256 * MiB)];
  server.hotAdd(low, sim);
  server.hotAdd(middle, sim);
  await clock.until(server.hotRemove(low));
  await clock.advance(SETTLED_MS);
  const heard = news.length;
  assert.throws(() => server.hotAdd(768 * MiB, sim), refusedAs(/does not fit the ranges/));
  assert.equal(server.hotAdd(256 * MiB, sim).result, 'done');
  await clock.advance(SETTLED_MS);
  assert.deepEqual([partition.memory.usableBytes, news.length], [1536 * MiB, heard + 1]);
});

test('N8: a module that is present and not online is no memory yet, and nobody hears', async () => {
  const { server, clock, sim, partition, news } = await openWorld({ autoOnline: 'offline' });
  server.hotAdd(512 * MiB, sim);
  await clock.advance(60_000);
  assert.deepEqual([sim.presentBytes, partition.memory.usableBytes], [1536 * MiB, 1024 * MiB]);
  assert.equal(news.length, 0);
  for (const block of [8, 9, 10, 11])
    sim.machine.writeText(`/sys/devices/system/memory/memory${block}/state`, 'online');
  await clock.advance(SETTLED_MS);
  assert.deepEqual([partition.memory.usableBytes, news.length], [1536 * MiB, 1]);
});

test('N10: a module that was removed is not there after a restart', async () => {
  const { server, clock, sim, partition, again } = await openWorld();
  const module = server.module(512 * MiB);
  server.hotAdd(module, sim);
  await clock.until(server.hotRemove(module));
  await clock.until(partition.close());
  sim.restart();
  assert.equal((await again()).partition.memory.usableBytes, 1024 * MiB);
  assert.equal(server.serviceProcessor.ownerOf(module), null);
});
