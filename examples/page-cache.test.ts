// The cache of page-cache.ts, resized by itself and with the memory of a machine, a part of it or nearly all.
// `node --test examples/page-cache.test.ts` in this repository needs `npm run build` first.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { GiB, MiB, openPartition } from 'hotadd';
import { ServerSim } from 'hotadd/testing';
import { page, pages, send } from './page-cache.ts';

const render = async (path: string) => Buffer.alloc(100_000, path);

test('page cache: it is resized while it is in use', async () => {
  for (let index = 0; index < 1000; index += 1) await page(`/${index}`, render);
  let sent: Uint8Array | null = null;
  let written = () => {};
  const write = (bytes: Uint8Array, done: () => void) => {
    sent = bytes;
    written = done;
  };
  assert.equal(send('/999', write), true);
  // #region resize
  await pages.setBytes(64 * MiB);
  // #endregion
  assert.ok((await render('/999')).equals(sent ?? Buffer.alloc(0)));
  written();
  assert.ok(pages.heldBytes <= 64 * MiB && pages.stats.evictions > 300);
});

test('page cache: it follows the memory of a machine', async () => {
  const server = new ServerSim();
  const web = server.partition('web', { modules: [GiB] });
  const options = { machine: web.machine, clock: server.clock };
  // #region register
  const partition = await openPartition({ ...options, apply: true });
  partition.register(pages, { max: { percent: 50 }, existing: true });
  // #endregion
  server.hotAdd(GiB, web);
  await server.clock.advance(5_000);
  await server.clock.until(partition.close());
  assert.ok(pages.sizeBytes > 512 * MiB, `${pages.sizeBytes} bytes after the module came`);
});

test('page cache: nearly alone in its container it takes all but the reserve', async () => {
  const server = new ServerSim();
  const web = server.partition('web', { modules: [GiB] });
  const options = { machine: web.machine, clock: server.clock };
  // #region alone
  const partition = await openPartition({ ...options, apply: true, reserve: 256 * MiB });
  partition.register(pages, { existing: true });
  // #endregion
  await server.clock.advance(5_000);
  const { plan } = await server.clock.until(partition.plan());
  await server.clock.until(partition.close());
  assert.equal(plan.setAsideBytes, 256 * MiB);
  const { sizeBytes } = pages;
  assert.ok(sizeBytes <= plan.roomBytes && sizeBytes > plan.roomBytes - 64 * MiB, `${sizeBytes} bytes`);
});
