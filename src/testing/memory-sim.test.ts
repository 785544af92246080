// The ranges of a simulated memory manager: where a module comes, in whatever order modules came and went.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MiB } from '../core/bytes.ts';
import { MemorySim, type RangeSim } from './memory-sim.ts';
import { RandomSim } from './random-sim.ts';

const BLOCK_BYTES = 128 * MiB;
const BOOT_BLOCKS = 4;
const MOST_BLOCKS = 200;

function memoryOf(mostBlocks = MOST_BLOCKS): MemorySim {
  const boot = [{ blocks: BOOT_BLOCKS, node: 0 }];
  return new MemorySim({ blockBytes: BLOCK_BYTES, boot, mostBlocks });
}

/** The same, block by block: the lowest run of free ones that is long enough. */
function lowestFree(memory: MemorySim, count: number): number | null {
  for (let first = BOOT_BLOCKS, free = 0; first + free < MOST_BLOCKS; ) {
    if (memory.blocks.has(first + free)) {
      first += free + 1;
      free = 0;
      continue;
    }
    free += 1;
    if (free === count) return first;
  }
  return null;
}

test('memory: a module comes where its addresses are lowest, whatever came and went before', () => {
  for (let seed = 1; seed <= 20; seed += 1) {
    const random = new RandomSim(seed);
    const memory = memoryOf();
    const ranges: RangeSim[] = [];
    for (let step = 0; step < 300; step += 1) {
      if (ranges.length > 0 && random.chance(0.45)) {
        const [gone] = ranges.splice(random.between(0, ranges.length - 1), 1);
        if (gone !== undefined) memory.remove(gone);
        continue;
      }
      const count = random.between(1, 9);
      const expected = lowestFree(memory, count);
      const range = memory.add(count, 'Normal', 0);
      assert.equal(range?.blocks[0] ?? null, expected, `seed ${seed}, step ${step}`);
      if (range !== null) ranges.push(range);
    }
    for (const range of ranges) memory.remove(range);
    assert.deepEqual([memory.blocks.size, memory.onlineBytes], [BOOT_BLOCKS, BOOT_BLOCKS * BLOCK_BYTES]);
    assert.equal(memory.add(MOST_BLOCKS - BOOT_BLOCKS, 'Normal', 0)?.blocks[0], BOOT_BLOCKS);
  }
});

test('memory: a range of no blocks takes and gives nothing', () => {
  const memory = memoryOf();
  memory.remove({ blocks: [] });
  assert.equal(memory.add(1, 'Normal', 0)?.blocks[0], BOOT_BLOCKS);
});
