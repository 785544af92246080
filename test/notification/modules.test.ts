// N1 to N5: modules and partitions, on the simulated server with production code. The rules in our own words,
// with their sources, are in docs/reference/notification.md.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { MiB } from '../../src/core/bytes.ts';
import { DriverSim } from '../../src/testing/driver-sim.ts';
import { openWorld, PLATFORMS, refusedAs, SETTLED_MS } from './server-world.ts';

for (const platform of PLATFORMS) {
  describe(`modules on ${platform}`, () => {
    test('N1: a module can be added at any moment, is there at once, and is heard of once', async () => {
      for (const momentMs of [0, 1, 100, 249, 250, 251, 999, 1000, 1001, 1249, 4999, 5000, 180_000]) {
        const { server, clock, sim, partition, news } = await openWorld({ platform });
        await clock.advance(momentMs);
        server.hotAdd(512 * MiB, sim);
        assert.equal(partition.memory.usableBytes, 1536 * MiB, `at ${momentMs} ms`);
        await clock.advance(SETTLED_MS);
        assert.deepEqual(
          news.map(({ kind, phase }) => `${kind} ${phase}`),
          ['grow arrival'],
          `at ${momentMs} ms`,
        );
      }
    });

    test('N1: a module added while drivers still follow the last one is followed after it', async () => {
      const { server, clock, sim, partition, news } = await openWorld({ platform });
      const driver = new DriverSim('cache', { sizeBytes: 100 * MiB });
      partition.register(driver);
      driver.behaviour = 'hang';
      server.hotAdd(512 * MiB, sim);
      await clock.advance(SETTLED_MS);
      assert.equal(partition.notifier.state, 'arriving');
      driver.behaviour = 'obey';
      server.hotAdd(512 * MiB, sim);
      await clock.advance(SETTLED_MS);
      driver.release();
      // Growth waits behind no call: the drift pass is the retry (E10).
      await clock.advance(180_000);
      assert.equal(news.filter(({ kind }) => kind === 'grow').length, 2);
      // 2048 MiB less 3 % headroom.
      assert.equal(Math.floor(driver.sizeBytes / MiB), 1986);
    });

    test('N2: an addition to one partition never shows in another', async () => {
      const { server, clock, sim, partition, news, open } = await openWorld({ platform });
      const other = server.partition('other', { modules: [1024 * MiB] });
      const software = await open(other);
      const before = software.partition.memory;
      server.hotAdd(512 * MiB, sim);
      assert.deepEqual(software.partition.memory, before);
      await clock.advance(60_000);
      assert.deepEqual(software.partition.memory, before);
      assert.deepEqual([news.length, software.news.length], [1, 0]);
      assert.equal(partition.memory.usableBytes, 1536 * MiB);
      assert.deepEqual(
        other.modules.map(({ id }) => id),
        ['module2'],
      );
    });

    test('N2: what fails, is full or starts again in one partition is not seen in another', async () => {
      const { server, clock, sim, partition, news } = await openWorld({ platform });
      const other = server.partition('other', { modules: [1024 * MiB] });
      const web = sim.run('web', 900 * MiB);
      const before = partition.memory;
      other.run('greedy', 2048 * MiB);
      other.pools.paged.take(other.pools.paged.sizeBytes);
      server.hotAdd(server.module(512 * MiB, { startsBytes: 0 }), other);
      other.restart();
      await clock.advance(60_000);
      assert.deepEqual([web.alive, sim.kills.length, other.kills.length > 0], [true, 0, true]);
      assert.deepEqual([sim.starts, sim.pools.paged.usedBytes, news.length], [1, 0, 0]);
      assert.deepEqual(partition.memory, before);
    });

    test('N3: a module of one partition is refused to every other, and to its own again', async () => {
      const { server, clock, sim, news } = await openWorld({ platform });
      const other = server.partition('other', { modules: [1024 * MiB] });
      const module = server.module(512 * MiB);
      server.hotAdd(module, sim);
      for (const partition of [other, sim]) {
        assert.throws(() => server.hotAdd(module, partition), refusedAs(/belongs to own/));
        assert.equal(server.journal.at(-1)?.result, 'refused');
      }
      assert.deepEqual([sim.onlineBytes, other.onlineBytes], [1536 * MiB, 1024 * MiB]);
      await clock.advance(SETTLED_MS);
      assert.equal(news.length, 1);
    });

    test('N3: the service processor alone knows the owner of each module, and of a spare none', async () => {
      const { server, sim } = await openWorld({ platform });
      const { serviceProcessor } = server;
      const spare = server.module(512 * MiB);
      assert.equal(serviceProcessor.ownerOf(spare), null);
      server.hotAdd(spare, sim);
      assert.equal(serviceProcessor.ownerOf(spare), 'own');
      assert.deepEqual(serviceProcessor.modulesOf('own'), sim.modules);
    });

    test('N4: a static server refuses every hot operation, changes nothing and tells nobody', async () => {
      const { server, clock, sim, partition, news } = await openWorld({ platform, dynamic: false });
      const [module] = sim.modules;
      const spare = server.module(1024 * MiB);
      assert.ok(module);
      const before = partition.memory;
      const refusal = refusedAs(/partitioned statically/);
      assert.throws(() => server.hotAdd(spare, sim), refusal);
      assert.throws(() => server.hotReplace(module, spare), refusal);
      await assert.rejects(server.hotRemove(module), refusal);
      await clock.advance(60_000);
      assert.deepEqual(partition.memory, before);
      assert.equal(server.serviceProcessor.ownerOf(spare), null);
      assert.deepEqual(
        server.journal.map(({ result }) => result),
        ['refused', 'refused', 'refused'],
      );
      assert.equal(news.length, 0);
    });

    test('N4: on a static server a module comes with the next start of its partition', async () => {
      const { server, clock, sim, partition, news, again } = await openWorld({ platform, dynamic: false });
      server.assign(server.module(512 * MiB), sim);
      await clock.advance(60_000);
      assert.deepEqual([partition.memory.usableBytes, news.length], [1024 * MiB, 0]);
      await clock.until(partition.close());
      sim.restart();
      assert.equal((await again()).partition.memory.usableBytes, 1536 * MiB);
    });

    test('N4: hot remove is refused where the platform has none', async () => {
      const { server, clock, sim, partition, news } = await openWorld({ platform });
      const module = server.module(512 * MiB);
      server.hotAdd(module, sim);
      await clock.advance(SETTLED_MS);
      const removing = server.hotRemove(module);
      if (platform === 'windows') await assert.rejects(removing, refusedAs(/windows removes no memory/));
      else assert.equal((await removing).bytes, -512 * MiB);
      await clock.advance(SETTLED_MS);
      const [usable, heard] = platform === 'windows' ? [1536, 1] : [1024, 2];
      assert.deepEqual([partition.memory.usableBytes, news.length], [usable * MiB, heard]);
    });

    test('N5: a hot replace leaves the total as it was, and nobody hears of it for minutes', async () => {
      const { server, clock, sim, partition, news } = await openWorld({ platform });
      const module = server.module(512 * MiB);
      server.hotAdd(module, sim);
      const driver = new DriverSim('cache', { sizeBytes: 100 * MiB });
      partition.register(driver, { existing: true });
      await clock.advance(SETTLED_MS);
      const [heard, called, before] = [news.length, driver.calls.length, partition.memory];
      let hints = 0;
      partition.sensor.onHint(() => {
        hints += 1;
      });
      const [first] = sim.modules;
      assert.ok(first);
      for (const old of [module, first]) {
        assert.equal(server.hotReplace(old, server.module(old.sizeBytes)).bytes, 0);
        assert.deepEqual(partition.memory, before);
      }
      await clock.advance(600_000);
      assert.deepEqual([news.length, driver.calls.length, hints], [heard, called, 0]);
      assert.deepEqual(partition.memory, before);
    });

    test('N5: a spare that is not identical, or that does not start, replaces nothing', async () => {
      const { server, clock, sim, partition, news } = await openWorld({ platform });
      const [module] = sim.modules;
      assert.ok(module);
      for (const [sizeBytes, options, problem] of [
        [512 * MiB, {}, /not identical/],
        [2048 * MiB, {}, /not identical/],
        [1024 * MiB, { node: 1 }, /not identical/],
        [1024 * MiB, { startsBytes: 0 }, /does not start/],
      ] as const) {
        const spare = server.module(sizeBytes, options);
        assert.throws(() => server.hotReplace(module, spare), refusedAs(problem));
        assert.equal(server.serviceProcessor.ownerOf(spare), null);
      }
      await clock.advance(SETTLED_MS);
      assert.deepEqual([sim.modules, partition.memory.usableBytes], [[module], 1024 * MiB]);
      assert.equal(news.length, 0);
    });

    test('N5: the module that was replaced is a spare, and the spare has its place', async () => {
      const { server, sim } = await openWorld({ platform });
      const [module] = sim.modules;
      const spare = server.module(1024 * MiB);
      assert.ok(module);
      server.hotReplace(module, spare);
      assert.deepEqual(sim.modules, [spare]);
      const other = server.partition('other', { modules: [module] });
      assert.equal(other.onlineBytes, 1024 * MiB);
      sim.restart();
      assert.equal(sim.onlineBytes, 1024 * MiB);
    });
  });
}
