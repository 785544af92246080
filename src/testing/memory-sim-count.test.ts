// The simulated memory manager: where modules come to lie, and that what is counted in O(1) is what counting
// every block gives.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MemorySim, type RangeSim, type ZoneSim } from './memory-sim.ts';
import { RandomSim } from './random-sim.ts';

const BLOCK = 128;

function memoryOf(bootBlocks: number, mostBlocks: number): MemorySim {
  return new MemorySim({ blockBytes: BLOCK, boot: [{ blocks: bootBlocks, node: 0 }], mostBlocks });
}

function add(memory: MemorySim, count: number): RangeSim {
  const range = memory.add(count, 'Normal', 0);
  assert.ok(range !== null, `${count} blocks have no room`);
  return range;
}

test('memory: what is there at boot is online, and its first block spans zones', () => {
  const memory = memoryOf(4, 8);
  assert.deepEqual([memory.onlineBytes, memory.presentBytes], [4 * BLOCK, 4 * BLOCK]);
  assert.equal(memory.blocks.get(0)?.zone, 'none');
  assert.equal(memory.blocks.get(1)?.zone, 'Normal');
});

test('memory: modules lie one after the other, and come offline', () => {
  const memory = memoryOf(4, 16);
  assert.deepEqual(add(memory, 2).blocks, [4, 5]);
  assert.deepEqual(add(memory, 3).blocks, [6, 7, 8]);
  assert.deepEqual([memory.onlineBytes, memory.presentBytes], [4 * BLOCK, 9 * BLOCK]);
});

test('memory: a gap is used again, the lowest that fits', () => {
  const memory = memoryOf(2, 100);
  const [one, , two] = [add(memory, 2), add(memory, 1), add(memory, 4), add(memory, 1)];
  memory.remove(one);
  memory.remove(two as RangeSim);
  assert.deepEqual(add(memory, 3).blocks, [5, 6, 7]);
  assert.deepEqual(add(memory, 2).blocks, [2, 3]);
  assert.deepEqual(add(memory, 1).blocks, [8]);
  assert.deepEqual(add(memory, 1).blocks, [10]);
});

test('memory: gaps beside each other are one, in whatever order they came to be', () => {
  for (const order of [
    [0, 1, 2],
    [2, 1, 0],
    [1, 2, 0],
    [0, 2, 1],
  ]) {
    const memory = memoryOf(2, 100);
    const ranges = [add(memory, 2), add(memory, 2), add(memory, 2)];
    add(memory, 1);
    for (const index of order) memory.remove(ranges[index] as RangeSim);
    assert.deepEqual(add(memory, 6).blocks, [2, 3, 4, 5, 6, 7], order.join());
  }
});

test('memory: what is given back at the top is room again', () => {
  const memory = memoryOf(2, 8);
  const [low, high] = [add(memory, 3), add(memory, 3)];
  memory.remove(low);
  memory.remove(high);
  assert.deepEqual(add(memory, 6).blocks, [2, 3, 4, 5, 6, 7]);
});

test('memory: the last block below the ceiling is given, and none beyond it', () => {
  const memory = memoryOf(4, 8);
  assert.equal(memory.hasRange(4 * BLOCK), true);
  assert.equal(memory.hasRange(5 * BLOCK), false);
  assert.equal(memory.add(5, 'Normal', 0), null);
  assert.deepEqual(add(memory, 4).blocks, [4, 5, 6, 7]);
  assert.equal(memory.declaredFreeBytes, 0);
  assert.equal(memory.add(1, 'Normal', 0), null);
});

test('memory: room in two pieces takes nothing that is larger than each', () => {
  const memory = memoryOf(2, 7);
  const [low] = [add(memory, 2), add(memory, 1)];
  memory.remove(low as RangeSim);
  assert.equal(memory.declaredFreeBytes, 4 * BLOCK);
  assert.equal(memory.hasRange(2 * BLOCK), true);
  assert.equal(memory.hasRange(3 * BLOCK), false);
  assert.equal(memory.add(3, 'Normal', 0), null);
});

test('memory: a range that is taken out twice leaves one gap', () => {
  const memory = memoryOf(2, 100);
  const range = add(memory, 2);
  add(memory, 1);
  memory.remove(range);
  memory.remove(range);
  assert.deepEqual(
    [add(memory, 2).blocks, add(memory, 2).blocks],
    [
      [2, 3],
      [5, 6],
    ],
  );
  memory.remove(range);
  assert.equal(memory.blocks.get(2)?.state, 'offline', 'it is the memory of another module now');
});

/** Counts block by block what the memory manager keeps. */
function counted(memory: MemorySim) {
  const online = [...memory.blocks.values()].filter(({ state }) => state !== 'offline');
  const nodes = [...memory.nodes.keys()].map((node) => {
    const own = online.filter((block) => block.node === node);
    const movable = own.filter(({ zone }) => zone === 'Movable');
    return [node, { onlineBytes: own.length * BLOCK, movableBytes: movable.length * BLOCK }] as const;
  });
  return {
    online: online.length * BLOCK,
    present: memory.blocks.size * BLOCK,
    nodes: new Map(nodes),
  };
}

test('memory: after any sequence it has counted what there is, and no two modules share a block', () => {
  for (let seed = 1; seed <= 20; seed += 1) {
    const random = new RandomSim(seed);
    const memory = memoryOf(8, 200);
    let ranges: RangeSim[] = [];
    for (let step = 0; step < 300; step += 1) {
      const zone = random.pick<ZoneSim>(['Normal', 'Movable']);
      const block = random.between(0, 199);
      switch (random.between(0, 3)) {
        case 0: {
          const range = memory.add(random.between(1, 9), zone, random.between(0, 2));
          if (range !== null) ranges.push(range);
          break;
        }
        case 1: {
          if (ranges.length === 0) break;
          const range = random.pick(ranges);
          memory.remove(range);
          ranges = ranges.filter((other) => other !== range);
          break;
        }
        case 2:
          memory.setState(block, random.pick(['online', 'offline', 'going-offline']));
          break;
        default:
          memory.setZone(block, zone);
      }
      const { onlineBytes: online, presentBytes: present, nodes } = memory;
      assert.deepEqual({ online, present, nodes }, counted(memory), `seed ${seed}, step ${step}`);
      const blocks = ranges.flatMap((range) => range.blocks);
      assert.equal(new Set(blocks).size, blocks.length, `seed ${seed}, step ${step}`);
      assert.equal(blocks.length + 8, memory.blocks.size, `seed ${seed}, step ${step}`);
      assert.ok(blocks.every((each) => each < 200));
    }
  }
});
