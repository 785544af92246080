// A module is added to a NUMA node: the nodes that the agent shows are those that the kernel has, also when
// the node was empty, appears with the module and goes with it.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MiB } from '../../src/core/bytes.ts';
import type { NodeMemory } from '../../src/core/memory.ts';
import type { Vm } from '../index.ts';
import { type GuestAgent, needsLab, openFollowed, rounds } from './guest.ts';
import { listenToUevents } from './uevent-listener.ts';

const BLOCK = 128 * MiB;

/** `node -> bytes`, read in the guest by its own shell. */
async function nodesOf(vm: Vm): Promise<Map<number, number>> {
  const lines = await vm.shell('grep -h MemTotal: /sys/devices/system/node/node*/meminfo');
  return new Map(
    [...lines.matchAll(/^Node (\d+) MemTotal: +(\d+) kB$/gm)].map(([, node, kibibytes]) => [
      Number(node),
      Number(kibibytes) * 1024,
    ]),
  );
}

/** Waits until the agent shows as many nodes as the kernel, and resolves with them. */
async function agreed(vm: Vm, agent: GuestAgent): Promise<readonly NodeMemory[]> {
  const kernel = await nodesOf(vm);
  const nodes = await vm.until(
    `the agent shows ${kernel.size} nodes`,
    async () => (await agent.memory()).nodes ?? [],
    ({ length }) => length === kernel.size,
  );
  assert.deepEqual(new Map(nodes.map(({ node, onlineBytes }) => [node, onlineBytes])), kernel);
  return nodes;
}

// A topology of its own, which has to boot: only with all rounds.
if (rounds(false, true)) {
  test(
    'a module on the second node: that node grows, and only movable pages can use it (S6)',
    needsLab,
    async (t) => {
      const { vm, agent } = await openFollowed(t, { topology: 'numa', online: 'online_movable' });
      const before = await nodesOf(vm);
      const [first = 0, second = 0] = [before.get(0), before.get(1)];
      assert.deepEqual(
        (await agreed(vm, agent)).map(({ movableBytes }) => movableBytes),
        [0, 0],
      );
      await vm.addModule(2 * BLOCK, { node: 1 });
      const { change } = await agent.outcome();
      assert.deepEqual([change.fromBytes, change.toBytes], [first + second, first + second + 2 * BLOCK]);
      assert.deepEqual(await agreed(vm, agent), [
        { node: 0, onlineBytes: first, movableBytes: 0 },
        { node: 1, onlineBytes: second + 2 * BLOCK, movableBytes: 2 * BLOCK },
      ]);
    },
  );
}

test('a module on an empty node: the node appears with it, and goes with it', needsLab, async (t) => {
  const { vm, agent } = await openFollowed(t, { topology: 'numa-empty-node', online: 'online_movable' });
  const before = await vm.memTotalBytes();
  const listener = await listenToUevents(vm);
  assert.deepEqual(await agreed(vm, agent), [{ node: 0, onlineBytes: before, movableBytes: 0 }]);
  const module = await vm.addModule(2 * BLOCK, { node: 1 });
  const arrival = (await agent.outcome()).change;
  assert.deepEqual([arrival.kind, arrival.fromBytes, arrival.toBytes], ['grow', before, before + 2 * BLOCK]);
  assert.deepEqual(await agreed(vm, agent), [
    { node: 0, onlineBytes: before, movableBytes: 0 },
    { node: 1, onlineBytes: 2 * BLOCK, movableBytes: 2 * BLOCK },
  ]);
  assert.deepEqual(
    (await listener.heard()).filter((uevent) => uevent.includes('node')),
    ['add node1'],
  );
  assert.deepEqual(await vm.removeModule(module), { removed: true });
  const departure = (await agent.outcome(2)).change;
  assert.deepEqual([departure.kind, departure.fromBytes], ['shrink', before + 2 * BLOCK]);
  assert.equal(agent.outcomes.at(-1)?.change.toBytes, before);
  assert.deepEqual(await agreed(vm, agent), [{ node: 0, onlineBytes: before, movableBytes: 0 }]);
  assert.equal((await listener.heard()).at(-1), 'remove node1');
  assert.equal((await agent.memory()).presentBytes, 4 * BLOCK);
});
