// The first unit test, in TypeScript.
// #region first
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { GiB, openPartition } from 'hotadd';
import { ServerSim, type ServerSimOptions } from 'hotadd/testing';
import { Cache, cacheDriver } from './cache.ts';

async function open(options?: ServerSimOptions) {
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
