// Unit tests of software that follows memory, on the simulated server: no real time passes.
// #region first
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { GiB, MiB, openPartition } from 'hotadd';
import { ServerSim } from 'hotadd/testing';
import { Cache, cacheDriver } from './cache.js';

async function open(options) {
  const server = new ServerSim(options);
  const { clock } = server;
  const web = server.partition('web', { modules: [4 * GiB] });
  const partition = await clock.until(openPartition({ machine: web.machine, clock, apply: true }));
  const cache = new Cache();
  partition.register(cacheDriver(cache), { existing: true });
  await clock.advance(1_000);
  return { server, clock, web, partition, cache };
}

test('the cache grows when its partition is given a memory module', async () => {
  const { server, clock, web, partition, cache } = await open();
  const before = cache.maxBytes;
  server.hotAdd(4 * GiB, web);
  await clock.advance(1_000);
  assert.ok(cache.maxBytes > 1.9 * before, `${cache.maxBytes} bytes, ${before} before`);
  await clock.until(partition.close());
});
// #endregion

// #region shrink
test('the cache gives memory back before its module is taken out, and nobody is killed', async () => {
  const { server, clock, web, partition, cache } = await open();
  const program = web.run('program');
  const module = server.module(4 * GiB);
  server.hotAdd(module, web);
  await clock.advance(1_000);
  for (let key = 0; key < 22; key += 1) cache.keep(key, { byteLength: 256 * MiB });
  assert.ok(cache.heldBytes > 5 * GiB, `${cache.heldBytes} bytes kept`);
  program.use(cache.heldBytes);
  cache.onResize = () => program.use(cache.heldBytes);
  const outcome = await clock.until(partition.resize(4 * GiB));
  assert.equal(outcome.result, 'done', outcome.report);
  await clock.until(server.hotRemove(module));
  assert.deepEqual([web.onlineBytes, web.kills], [4 * GiB, []]);
  await clock.until(partition.close());
});
// #endregion

// #region seeds
test('the cache ends at the right size, however late, often or never the news comes', async () => {
  for (let seed = 1; seed <= 100; seed += 1) {
    const { server, clock, web, partition, cache } = await open({ seed });
    web.delivery.options = { delayMs: [0, 5_000], duplicated: 0.3, lost: 0.3 };
    server.hotAdd(2 * GiB, web);
    await clock.advance(server.random.between(0, 2_000));
    server.hotAdd(2 * GiB, web);
    await clock.advance(10_000);
    const room = (await clock.until(partition.plan())).plan.roomBytes;
    assert.ok(cache.maxBytes > 0.98 * room && cache.maxBytes <= room, `seed ${seed}: ${cache.maxBytes}`);
    await clock.until(partition.close());
  }
});
// #endregion
