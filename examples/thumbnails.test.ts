// How to test what follows memory, without a machine whose memory changes: the contract that every driver is
// held to, and a simulated machine that is given a module. `node --test examples/thumbnails.test.ts` in this
// repository needs `npm run build` first.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
// #region contract
import { test } from 'node:test';
import { buffers, GiB, MiB, openPartition } from 'hotadd';
import { ClockSim, DriverSim, driverContract, MachineSim } from 'hotadd/testing';
import { Thumbnails } from './thumbnails.ts';

function open() {
  const thumbnails = new Thumbnails();
  const resize = (bytes: number) => thumbnails.setMaxBytes(bytes);
  return buffers('thumbnails', { size: () => thumbnails.maxBytes, held: () => thumbnails.heldBytes, resize });
}
for (const { title, run } of driverContract({ open, smallBytes: 8 * MiB, largeBytes: 64 * MiB })) {
  test(title, run);
}
// #endregion

// #region machine
test('a driver grows with the machine', async () => {
  const clock = new ClockSim();
  const machine = new MachineSim({ bootBytes: GiB, machineId: randomUUID() });
  const partition = await openPartition({ partition: 'machine', apply: true, machine, clock });
  const cache = new DriverSim('cache', { sizeBytes: 64 * MiB });
  partition.register(cache);
  machine.addMemory(GiB);
  await clock.advance(5_000);
  await clock.until(partition.close());
  assert.ok(cache.sizeBytes > GiB, `${cache.sizeBytes} bytes after the module came`);
});
// #endregion
