// A cache that was made as large as it may ever become, held to the memory there is: on a simulated machine
// that is given a module. `node --test examples/lru-cache.test.ts` in this repository needs `npm run build`.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MiB, openPartition } from 'hotadd';
import { ServerSim } from 'hotadd/testing';
import { driver, pictures } from './lru-cache.ts';

test('a cache of lru-cache is held to the memory there is, and grows with it', async () => {
  const { clock, partition, server, web } = await open();
  // #region existing
  partition.register(driver, { existing: true }); // held to the memory there is now
  // #endregion
  await clock.advance(1_000);
  for (let key = 0; key < 300; key += 1) pictures.set(`${key}`, new Uint8Array(MiB));
  const before = pictures.calculatedSize;
  assert.ok(before < 200 * MiB && pictures.has('299') && !pictures.has('0'), `${before} bytes kept`);
  server.hotAdd(512 * MiB, web);
  await clock.advance(10_000);
  for (let key = 0; key < 300; key += 1) pictures.set(`${key}`, new Uint8Array(MiB));
  assert.equal(pictures.calculatedSize, 300 * MiB);
  await clock.until(partition.close());
});

async function open() {
  const server = new ServerSim();
  const { clock } = server;
  const web = server.partition('web', { modules: [256 * MiB] });
  const partition = await clock.until(openPartition({ machine: web.machine, clock, apply: true }));
  return { clock, partition, server, web };
}
