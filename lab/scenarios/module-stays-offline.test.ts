// A module is added and nobody brings it online: Debian's default. It is reported with the command that
// brings it online, and is no change; the command works as printed, and so does the agent's own `online`.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MiB } from '../../src/core/bytes.ts';
import type { PhysicalMemory } from '../../src/core/memory.ts';
import type { OnlinePolicy, Vm } from '../index.ts';
import { needsLab, openFollowed, rounds } from './guest.ts';

const BLOCK = 128 * MiB;
const BLOCKS_FOLDER = '/sys/devices/system/memory';

/** States of blocks, read in the guest by its own shell: `online offline`. */
async function statesOf(vm: Vm, blocks: readonly number[]): Promise<string[]> {
  const files = blocks.map((block) => `${BLOCKS_FOLDER}/memory${block}/state`);
  return (await vm.shell(`cat ${files.join(' ')}`)).trim().split('\n');
}

async function blocksBytes(vm: Vm, state: string): Promise<number> {
  const found = await vm.shell(`grep -lx ${state} ${BLOCKS_FOLDER}/memory*/state | wc -l`);
  return Number(found) * BLOCK;
}

/** The command as a person copies it from the text: the indented lines below "as root:". */
function printedCommand(text: string): string {
  const lines = text.split('\n');
  const title = lines.findIndex((line) => line.endsWith('as root:'));
  assert.notEqual(title, -1, text);
  const end = lines.findIndex((line, index) => index > title && !line.startsWith('  '));
  return `${lines.slice(title + 1, end).join('\n')}\n`;
}

async function seenByCli(
  vm: Vm,
): Promise<PhysicalMemory & { offline: { blocks: number[]; command: string } }> {
  const { code, stdout, stderr } = await vm.hotadd(['memory', '--json']);
  assert.equal(code, 0, stderr);
  return JSON.parse(stdout);
}

test(
  'a module that stays offline: it is no change, and the printed command brings it online (S5)',
  needsLab,
  async (t) => {
    const { vm, redis, agent } = await openFollowed(t, { online: 'offline' });
    const before = await vm.memTotalBytes();
    const maxmemoryBefore = await redis.maxmemory();
    const { blocks } = await vm.addModule(2 * BLOCK);
    const notice = await agent.notice(/2 memory blocks are added and not online; as root: for n in/);
    assert.equal(await vm.memTotalBytes(), before);
    const seen = await agent.memory();
    assert.deepEqual(seen.blocks, { sizeBytes: BLOCK, onlineBytes: 4 * BLOCK, offlineBytes: 2 * BLOCK });
    assert.equal(seen.presentBytes, 6 * BLOCK);
    assert.equal(seen.onlineBytes, before);
    const { offline, ...byCli } = await seenByCli(vm);
    assert.deepEqual(byCli.blocks, seen.blocks);
    assert.equal(byCli.presentBytes, 6 * BLOCK);
    assert.equal(byCli.onlineBytes, before);
    assert.deepEqual(offline.blocks, blocks);
    assert.ok(notice.endsWith(`as root: ${offline.command}`), notice);
    const text = (await vm.hotadd(['memory'])).stdout;
    assert.match(text, /not online: 2 blocks; as root:/);

    const pasted = await vm.run(['sh'], { input: printedCommand(text) });
    assert.deepEqual(pasted, { code: 0, signal: null, stdout: '', stderr: '' });
    const { change, answers } = await agent.outcome();
    // The first change of all: whatever moved while the module lay offline was reported to nobody.
    assert.deepEqual([change.kind, change.fromBytes, change.toBytes], ['grow', before, before + 2 * BLOCK]);
    assert.equal(await vm.memTotalBytes(), before + 2 * BLOCK);
    assert.deepEqual(await statesOf(vm, blocks), ['online', 'online']);
    assert.equal(answers[0]?.proven, true);
    assert.ok((await redis.maxmemory()) > maxmemoryBefore);
    // What follows is the second: it was one change.
    await vm.write(`${BLOCKS_FOLDER}/auto_online_blocks`, 'online');
    await vm.addModule(BLOCK);
    assert.equal((await agent.outcome(2)).change.fromBytes, before + 2 * BLOCK);
    assert.equal(agent.notices.filter((said) => /not online/.test(said)).length, 1);
  },
);

for (const word of rounds<OnlinePolicy[]>(['online_movable'], ['online', 'online_movable'])) {
  const title = `an agent told "online: ${word}": it brings a module online, and Redis grows (S5, S6)`;
  test(title, needsLab, async (t) => {
    const { vm, redis, agent } = await openFollowed(t, { online: 'offline', lines: [`online: ${word}`] });
    const before = await vm.memTotalBytes();
    const maxmemoryBefore = await redis.maxmemory();
    const { blocks } = await vm.addModule(4 * BLOCK);
    const { change, answers } = await agent.outcome();
    assert.deepEqual([change.kind, change.fromBytes, change.toBytes], ['grow', before, before + 4 * BLOCK]);
    assert.equal(await vm.memTotalBytes(), before + 4 * BLOCK);
    assert.equal(answers[0]?.verdict, 'resized');
    assert.equal(answers[0]?.proven, true);
    assert.ok((await redis.maxmemory()) > maxmemoryBefore);
    await agent.notice(new RegExp(`^4 memory blocks brought ${word}$`));
    const zone = word === 'online' ? 'Normal' : 'Movable';
    for (const block of blocks) {
      assert.equal((await vm.read(`${BLOCKS_FOLDER}/memory${block}/valid_zones`)).trim(), zone);
    }
    const [node] = (await agent.memory()).nodes ?? [];
    assert.equal(node?.movableBytes, word === 'online' ? 0 : 4 * BLOCK);
    assert.equal(node?.onlineBytes, before + 4 * BLOCK);
    assert.equal(agent.outcomes.length, 1);
  });
}

test(
  'a module of which half is brought online: present, online and usable are what the kernel has',
  needsLab,
  async (t) => {
    const { vm, agent } = await openFollowed(t, { online: 'offline' });
    const before = await vm.memTotalBytes();
    const { blocks } = await vm.addModule(4 * BLOCK);
    await agent.notice(/4 memory blocks are added and not online/);
    const [first, second, third, fourth] = blocks;
    for (const block of [second, fourth]) {
      await vm.write(`${BLOCKS_FOLDER}/memory${block}/state`, 'online');
      await agent.usable(await vm.memTotalBytes());
    }
    await vm.until(
      'a change ends at the half',
      async () => agent.outcomes.at(-1)?.change.toBytes,
      (toBytes) => toBytes === before + 2 * BLOCK,
    );
    assert.deepEqual(await statesOf(vm, blocks), ['offline', 'online', 'offline', 'online']);
    const seen = await agent.memory();
    const [online, offline] = [await blocksBytes(vm, 'online'), await blocksBytes(vm, 'offline')];
    assert.deepEqual(seen.blocks, { sizeBytes: BLOCK, onlineBytes: online, offlineBytes: offline });
    assert.equal(offline, 2 * BLOCK);
    assert.equal(seen.presentBytes, online + offline);
    assert.equal(seen.onlineBytes, await vm.memTotalBytes());
    assert.equal(seen.usableBytes, before + 2 * BLOCK);
    for (const block of [first, third]) {
      await vm.write(`${BLOCKS_FOLDER}/memory${block}/state`, 'online');
    }
    assert.equal((await agent.usable(before + 4 * BLOCK)).blocks?.offlineBytes, 0);
  },
);
