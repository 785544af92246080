// The same on a newer kernel, from the backports of the Debian release. Another kernel may order its events
// in another way; what hotadd says must be the same.
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { MiB } from '../../src/core/bytes.ts';
import { openKernel } from '../image/kernel.ts';
import type { OpenOptions, Vm } from '../index.ts';
import { needsLab, openFollowed } from './guest.ts';

/** Where the package cannot be had, this is no failure: the kernel of the release is the one that counts. */
async function whyNot(): Promise<string | false> {
  if (typeof needsLab.skip === 'string') return needsLab.skip;
  return openKernel('backports').then(
    () => false,
    (error: Error) => `kernel of the backports: ${error.message.split('\n')[0]}`,
  );
}

const options: OpenOptions = { kernel: 'backports', online: 'online_movable' };

/** 6.12.95 loses registers at random under QEMU 7.2, in every second guest: then nothing can be judged. */
const BROKEN = /Oops|BUG: |Kernel panic|end trace|general protection|QEMU ended/;

test('backports: a module arrives, is planned away, and is removed', { skip: await whyNot() }, async (t) => {
  const guest: { vm?: Vm } = {};
  try {
    await follow(t, guest);
  } catch (error) {
    const broken = BROKEN.exec(`${error}${guest.vm?.console ?? ''}`);
    if (broken === null) throw error;
    t.skip(`kernel of the backports: it broke down under this QEMU ("${broken[0]}")`);
  }
});

async function follow(t: TestContext, guest: { vm?: Vm }): Promise<void> {
  const { vm, agent, redis } = await openFollowed(t, options);
  guest.vm = vm;
  assert.notEqual(vm.kernelRelease.split('.').slice(0, 2).join('.'), '6.1');
  const before = await vm.memTotalBytes();
  const module = await vm.addModule(512 * MiB);
  const added = await agent.outcome(1);
  assert.equal(added.change.toBytes, before + 512 * MiB);
  assert.equal(added.result, 'done', added.report);
  assert.ok((await redis.maxmemory()) > 64 * MiB);
  const taken = await agent.resize(before);
  assert.equal(taken.result, 'done', taken.report);
  assert.equal(await vm.memTotalBytes(), before);
  assert.deepEqual(await vm.removeModule(module), { removed: true });
  await vm.addModule(128 * MiB);
  const again = await agent.outcome(3);
  assert.deepEqual([again.change.fromBytes, again.change.toBytes], [before, before + 128 * MiB]);
}
