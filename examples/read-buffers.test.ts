// The buffers of read-buffers.ts in use while they are resized: by themselves, and with the memory of a
// machine. `node --test examples/read-buffers.test.ts` in this repository needs `npm run build` first.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { GiB, MiB, openPartition } from 'hotadd';
import { ServerSim } from 'hotadd/testing';
import { pool, readStart } from './read-buffers.ts';

const path = fileURLToPath(import.meta.url);

test('read buffers: they are resized while files are read', async () => {
  const reading = Promise.all(Array.from({ length: 20 }, () => readStart(path)));
  await pool.setBytes(32 * MiB);
  for (const text of await reading) assert.match(text, /^\/\/ The buffers of read-buffers/);
  assert.deepEqual([pool.sizeBytes, pool.leasedBytes], [32 * MiB, 0]);
});

test('read buffers: they follow the memory of a machine', async () => {
  const server = new ServerSim();
  const web = server.partition('web', { modules: [GiB] });
  // #region register
  const partition = await openPartition({ machine: web.machine, clock: server.clock, apply: true });
  partition.register(pool, { min: 32 * MiB, max: { percent: 50 } });
  // #endregion
  server.hotAdd(GiB, web);
  await server.clock.advance(5_000);
  await server.clock.until(partition.close());
  assert.ok(pool.sizeBytes > 512 * MiB, `${pool.sizeBytes} bytes after the module came`);
});
