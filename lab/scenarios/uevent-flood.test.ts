// More uevents than the agent can read: it answers meanwhile, and when its socket has overflowed it reads the
// kernel's folder again. Nothing is missed, and nothing is reported twice.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isDeepStrictEqual } from 'node:util';
import { MiB } from '../../src/core/bytes.ts';
import type { GuestProcess, Vm } from '../index.ts';
import { type GuestAgent, needsLab, openFollowed, rounds } from './guest.ts';

const BLOCK = 128 * MiB;
const BLOCKS_FOLDER = '/sys/devices/system/memory';

/** Has the kernel emit so many uevents of a block that is there; nothing of it changes. */
function flood(vm: Vm, count: number): Promise<GuestProcess> {
  const step = `echo change > ${BLOCKS_FOLDER}/memory0/uevent`;
  return vm.start(['sh', '-c', `i=0; while [ $i -lt ${count} ]; do ${step}; i=$((i+1)); done`]);
}

/** What the kernel has thrown away since the agent's socket was full. */
async function dropsOf(vm: Vm, agent: GuestAgent): Promise<number> {
  const sockets = (await vm.read('/proc/net/netlink')).split('\n').map((line) => line.trim().split(/\s+/));
  // sk, protocol (15: uevents), port (the process), groups, Rmem, Wmem, Dump, Locks, Drops, inode.
  const socket = sockets.find(([, protocol, port]) => protocol === '15' && port === `${agent.process.pid}`);
  assert.ok(socket, 'the agent has a socket for uevents');
  return Number(socket[8]);
}

/** Waits until the agent shows the blocks that the guest's own shell counts. */
async function agreeOnBlocks(vm: Vm, agent: GuestAgent): Promise<void> {
  const states = (await vm.shell(`cat ${BLOCKS_FOLDER}/memory*/state`)).trim().split('\n');
  const online = states.filter((state) => state === 'online').length;
  const blocks = {
    sizeBytes: BLOCK,
    onlineBytes: online * BLOCK,
    offlineBytes: (states.length - online) * BLOCK,
  };
  const { presentBytes } = await vm.until(
    `the agent shows ${online} blocks online`,
    () => agent.memory(),
    (memory) => isDeepStrictEqual(memory.blocks, blocks),
  );
  assert.equal(presentBytes, states.length * BLOCK);
}

test(
  'a flood of uevents: the agent answers, and a module that comes meanwhile is one change',
  needsLab,
  async (t) => {
    const { vm, agent } = await openFollowed(t);
    const before = await vm.memTotalBytes();
    const flooding = await flood(vm, rounds(3_000, 20_000));
    await agent.memory();
    assert.equal(flooding.ended, null);
    await vm.addModule(4 * BLOCK);
    const { change } = await agent.outcome();
    assert.deepEqual([change.fromBytes, change.toBytes], [before, before + 4 * BLOCK]);
    await flooding.end();
    await agreeOnBlocks(vm, agent);
    await vm.addModule(BLOCK);
    assert.equal((await agent.outcome(2)).change.fromBytes, before + 4 * BLOCK);
  },
);

test(
  'more uevents than a socket holds: what came and went meanwhile is read again, and told once',
  needsLab,
  async (t) => {
    const { vm, agent } = await openFollowed(t, { online: 'online_movable' });
    const boot = await vm.memTotalBytes();
    const gone = await vm.addModule(BLOCK);
    const before = (await agent.outcome()).change.toBytes;
    assert.equal(before, boot + BLOCK);
    await agreeOnBlocks(vm, agent);
    assert.equal(await dropsOf(vm, agent), 0);
    await agent.process.kill('SIGSTOP');
    await (await flood(vm, rounds(2_000, 20_000))).end();
    await vm.addModule(4 * BLOCK);
    assert.deepEqual(await vm.removeModule(gone), { removed: true });
    assert.ok((await dropsOf(vm, agent)) > 0, 'the socket overflows');
    await agent.process.kill('SIGCONT');
    const { change } = await agent.outcome(2);
    const after = boot + 4 * BLOCK;
    assert.deepEqual([change.kind, change.fromBytes, change.toBytes], ['grow', before, after]);
    assert.equal(await vm.memTotalBytes(), after);
    await agreeOnBlocks(vm, agent);
    // What follows is the next: it was one change.
    await vm.addModule(BLOCK);
    assert.deepEqual((await agent.outcome(3)).change.fromBytes, after);
    await agreeOnBlocks(vm, agent);
  },
);
