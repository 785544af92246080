// virtio-mem gives and takes memory inside a block that is online: no uevent tells of it, and the poll finds
// it (S3). Left offline it stalls, and is memory that was added and is not online (S5).
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MiB } from '../../src/core/bytes.ts';
import { needsLab, openFollowed } from './guest.ts';
import { listenToUevents } from './uevent-listener.ts';

test(
  'virtio-mem inside a block: each step is followed without a uevent, exact (S3, S4)',
  needsLab,
  async (t) => {
    const { vm, agent } = await openFollowed(t, { topology: 'virtio-mem' });
    const boot = await vm.memTotalBytes();
    const request = async (mebibytes: number) => {
      await vm.virtioMem.request(mebibytes * MiB);
      await agent.usable(boot + mebibytes * MiB);
      assert.equal(await vm.memTotalBytes(), boot + mebibytes * MiB);
    };
    const changeTo = (mebibytes: number) =>
      vm.until(
        `a change ends at ${mebibytes} MiB more than at boot`,
        async () => agent.outcomes.at(-1)?.change,
        (change) => change?.toBytes === boot + mebibytes * MiB,
      );
    await request(600);
    await changeTo(600);
    const count = agent.outcomes.length;
    const listener = await listenToUevents(vm);
    // 0.2 %: within the dead-band of growth, so it is shown and no change.
    await request(602);
    await request(640);
    await changeTo(640);
    await request(560);
    await changeTo(560);
    // A fall has no dead-band.
    await request(558);
    await changeTo(558);
    const steps = [600];
    for (const { change } of agent.outcomes.slice(count)) {
      assert.equal((change.fromBytes - boot) / MiB, steps.at(-1));
      steps.push((change.toBytes - boot) / MiB);
    }
    assert.ok(!steps.includes(602), `changes end at ${steps}`);
    assert.deepEqual(
      [600, 640, 560, 558].filter((step) => !steps.includes(step)),
      [],
    );
    assert.deepEqual(await listener.heard(), []);
    // The listener does hear: a step into a block that was not there.
    await request(700);
    await changeTo(700);
    assert.deepEqual(await listener.heard(), ['add memory37', 'online memory37']);
  },
);

test(
  'virtio-mem that stays offline: what has come is told with the command, the rest follows it (S5)',
  needsLab,
  async (t) => {
    const { vm, agent } = await openFollowed(t, { topology: 'virtio-mem', online: 'offline' });
    const before = await vm.memTotalBytes();
    await vm.virtioMem.request(2048 * MiB);
    const first = await agent.notice(/ memory blocks are added and not online; as root: /);
    const count = Number(/^\d+/.exec(first)?.[0]);
    // Its driver stops while so much lies offline: QEMU counts it as given, and nobody can use it.
    const bytes = count * 128 * MiB;
    assert.ok(bytes < 2048 * MiB, `${count} blocks have come`);
    assert.equal(await vm.virtioMem.plugged(), bytes);
    assert.equal(await vm.memTotalBytes(), before);
    assert.equal((await agent.memory()).blocks?.offlineBytes, bytes);
    const pasted = await vm.run(['sh'], { input: `${first.slice(first.indexOf('for n in'))}\n` });
    assert.deepEqual(pasted, { code: 0, signal: null, stdout: '', stderr: '' });
    const { change } = await agent.outcome();
    assert.deepEqual([change.fromBytes, change.toBytes], [before, before + bytes]);
    // With room again the driver goes on, and what it adds is told anew.
    const next = await agent.notice(new RegExp(`not online; as root: .*${32 + count}\\b`));
    assert.notEqual(next, first);
  },
);
