// The kernel refuses to bring a block online, or to let go of one. It is made to by its own tool for that,
// memory-notifier-error-inject (Documentation/fault-injection/notifier-error-inject.rst).
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { MiB } from '../../src/core/bytes.ts';
import { LabError, type Vm } from '../index.ts';
import { needsLab, openFollowed } from './guest.ts';

const BLOCK = 128 * MiB;
const ACTIONS = '/sys/kernel/debug/notifier-error-inject/memory/actions';
const ENOMEM = -12;

/** False when this kernel has no such tool; then the test is skipped. */
async function canInject(vm: Vm, t: TestContext): Promise<boolean> {
  try {
    await vm.loadModule('memory-notifier-error-inject');
    return true;
  } catch (error) {
    if (!(error instanceof LabError) || !/has no module/.test(error.message)) throw error;
    t.skip(`kernel: ${error.message}`);
    return false;
  }
}

function inject(vm: Vm, action: 'MEM_GOING_ONLINE' | 'MEM_GOING_OFFLINE', error: number): Promise<void> {
  return vm.write(`${ACTIONS}/${action}/error`, String(error));
}

test(
  "a refused online: it is told once, with the kernel's word, and the command works later (S5)",
  needsLab,
  async (t) => {
    const { vm, agent } = await openFollowed(t, { online: 'offline', lines: ['online: online_movable'] });
    if (!(await canInject(vm, t))) return;
    const before = await vm.memTotalBytes();
    await inject(vm, 'MEM_GOING_ONLINE', ENOMEM);
    const { blocks } = await vm.addModule(2 * BLOCK);
    const refusals = () => agent.notices.filter((notice) => /stays offline/.test(notice));
    for (const block of blocks) {
      await agent.notice(
        new RegExp(`^memory block ${block} stays offline: .*/memory${block}/state: .*ENOMEM`),
      );
    }
    assert.equal((await agent.memory()).blocks?.offlineBytes, 2 * BLOCK);
    assert.equal(await vm.memTotalBytes(), before);
    // Another module makes the agent look again: it brings that one online, and does not try these again.
    await inject(vm, 'MEM_GOING_ONLINE', 0);
    await vm.addModule(BLOCK);
    const { change } = await agent.outcome();
    assert.deepEqual([change.fromBytes, change.toBytes], [before, before + BLOCK]);
    assert.equal(refusals().length, 2);
    const { offline } = JSON.parse((await vm.hotadd(['memory', '--json'])).stdout);
    assert.deepEqual(offline.blocks, blocks);
    await vm.run(['sh'], { input: `${offline.command}\n` });
    const second = (await agent.outcome(2)).change;
    assert.deepEqual([second.fromBytes, second.toBytes], [before + BLOCK, before + 3 * BLOCK]);
    assert.equal((await agent.memory()).blocks?.offlineBytes, 0);
    assert.equal(refusals().length, 2);
  },
);

test(
  'a refused offline: the planned shrink fails, and Redis has its settings back exactly (F3)',
  needsLab,
  async (t) => {
    const { vm, redis, agent } = await openFollowed(t, { online: 'online_movable' });
    if (!(await canInject(vm, t))) return;
    await vm.addModule(4 * BLOCK);
    await agent.outcome();
    const before = await vm.memTotalBytes();
    const maxmemory = await redis.maxmemory();
    await inject(vm, 'MEM_GOING_OFFLINE', ENOMEM);
    const refused = await agent.resize(before - BLOCK);
    assert.equal(refused.result, 'failed');
    assert.match(refused.reason ?? '', /stays online: .*ENOMEM/);
    assert.deepEqual(refused.handedBack, [{ driver: 'cache', asBefore: true, note: null }]);
    assert.ok(Number(refused.answers[0]?.settingsAfter?.[0]?.value) < maxmemory, 'Redis had moved');
    assert.equal(await redis.maxmemory(), maxmemory);
    assert.equal(await vm.memTotalBytes(), before);
    assert.equal((await agent.memory()).usableBytes, before);

    await inject(vm, 'MEM_GOING_OFFLINE', 0);
    const done = await agent.resize(before - BLOCK);
    assert.equal(done.result, 'done');
    assert.equal(done.change.fromBytes, before);
    assert.equal(await vm.memTotalBytes(), before - BLOCK);
    assert.ok((await redis.maxmemory()) < maxmemory);
  },
);
