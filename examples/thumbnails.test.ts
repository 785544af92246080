// How to test what follows memory, without a machine whose memory changes: the checks that make a driver a
// driver, and a simulated machine that is given a module. `node --test examples/thumbnails.test.ts` in this
// repository needs `npm run build` first.
import assert from 'node:assert/strict';
// #region check
import { test } from 'node:test';
import { buffers, GiB, KiB, MiB, openPartition } from 'hotadd';
import { checkDriver, DriverSim, ServerSim } from 'hotadd/testing';
import { Thumbnails } from './thumbnails.ts';

let thumbnails = new Thumbnails();
function makeDriver() {
  thumbnails = new Thumbnails();
  const resize = (bytes: number) => thumbnails.setMaxBytes(bytes);
  return buffers('thumbnails', { size: () => thumbnails.maxBytes, held: () => thumbnails.heldBytes, resize });
}
async function use(signal: AbortSignal) {
  for (let count = 0; !signal.aborted; count += 1) {
    thumbnails.keep(`picture ${count}`, new Uint8Array(64 * KiB));
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
}
const options = { smallBytes: 8 * MiB, largeBytes: 64 * MiB, use };
for (const { title, run } of checkDriver(makeDriver, options)) test(title, run);
// #endregion

// #region machine
test('a driver grows with its partition', async () => {
  const server = new ServerSim();
  const web = server.partition('web', { modules: [GiB] });
  const partition = await openPartition({ machine: web.machine, clock: server.clock, apply: true });
  const cache = new DriverSim('cache', { sizeBytes: 64 * MiB });
  partition.register(cache);
  server.hotAdd(GiB, web);
  await server.clock.advance(5_000);
  await server.clock.until(partition.close());
  assert.ok(cache.sizeBytes > GiB, `${cache.sizeBytes} bytes after the module came`);
});
// #endregion
