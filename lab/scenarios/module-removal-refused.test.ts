// The platform asks for a module back that holds kernel objects, and the kernel cannot give it: MemTotal dips
// and comes back, and nobody is resized for that.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MiB } from '../../src/core/bytes.ts';
import { needsLab, openFollowed } from './guest.ts';
import { listenToUevents } from './uevent-listener.ts';

/** The kernel's answer to ACPI when it could not move what is in the module. */
const REFUSED = 130;

test('a removal that is refused: MemTotal dips, and no change is reported (S4)', needsLab, async (t) => {
  const { vm, redis, agent } = await openFollowed(t, { online: 'online' });
  const boot = await vm.memTotalBytes();
  const module = await vm.addModule(256 * MiB);
  await agent.outcome();
  const maxmemory = await redis.maxmemory();
  // Inodes of a tmpfs are kernel objects, which cannot be moved. New ones go to the newest memory first.
  await vm.shell('mkdir /tmp/inodes && cd /tmp/inodes && seq 1 20000 | xargs touch');
  const listener = await listenToUevents(vm);
  assert.deepEqual(await vm.removeModule(module), { removed: false, status: REFUSED });
  const heard = await listener.heard();
  const offline = heard.filter((event) => event.startsWith('offline'));
  assert.ok(offline.length > 0, `no block went offline: ${heard}`);
  for (const event of offline) assert.ok(heard.includes(event.replace('offline', 'online')), String(heard));
  assert.equal(await vm.memTotalBytes(), boot + 256 * MiB);

  await vm.addModule(128 * MiB);
  const { change, report } = await agent.outcome(2);
  const grown = boot + 256 * MiB;
  assert.deepEqual(
    [change.kind, change.fromBytes, change.toBytes],
    ['grow', grown, grown + 128 * MiB],
    report,
  );
  assert.equal(agent.outcomes.length, 2);
  assert.ok((await redis.maxmemory()) > maxmemory);
});
