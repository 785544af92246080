// Anything with resize(n): caches that count MiB, synchronous and not, and one that does not do what it is
// asked.
import assert from 'node:assert/strict';
import test from 'node:test';
import { stateOf, toBudget } from '../../test/asked.ts';
import { MiB } from '../core/bytes.ts';
import { checkDriver } from '../testing/check-driver.ts';
import { resizableDriver } from './resizable.ts';

/** Blocks of 1 MiB, really allocated and dropped. */
class Blocks {
  readonly blocks: Uint8Array[] = [];
  limit = 8;

  resize(limit: number): void {
    this.limit = limit;
    this.blocks.length = Math.min(this.blocks.length, limit);
  }
}

const BUDGETS = { smallBytes: 4 * MiB, largeBytes: 40 * MiB };
const optionsOf = (blocks: Blocks) => ({
  ...{ unitBytes: MiB, size: () => blocks.limit, held: () => blocks.blocks.length * MiB },
});
let blocks = new Blocks();
const makeDriver = () => {
  blocks = new Blocks();
  return resizableDriver('blocks', blocks, { ...optionsOf(blocks), floor: 2, ceiling: 64 });
};
const use = async (signal: AbortSignal) => {
  while (!signal.aborted) {
    if (blocks.blocks.length < blocks.limit) blocks.blocks.push(new Uint8Array(MiB));
    await new Promise((resolve) => setImmediate(resolve));
  }
};
for (const { title, run } of checkDriver(makeDriver, { ...BUDGETS, use })) test(`resizable: ${title}`, run);

/** Moves by one unit in each turn of the loop. */
class Slow extends Blocks {
  to = this.limit;

  override async resize(limit: number): Promise<void> {
    this.to = limit;
    while (this.limit !== this.to) {
      super.resize(this.limit + Math.sign(this.to - this.limit));
      await new Promise((resolve) => setImmediate(resolve));
    }
  }
}

const makeSlow = () => {
  blocks = new Slow();
  return resizableDriver('slow', blocks, optionsOf(blocks));
};
for (const { title, run } of checkDriver(makeSlow, { ...BUDGETS, use }))
  test(`resizable, asynchronous: ${title}`, run);

test('resizable: it tells that it moves until the move is done', async () => {
  const slow = new Slow();
  const driver = resizableDriver('slow', slow, optionsOf(slow));
  const asked = toBudget(driver, 40 * MiB + 1);
  await new Promise((resolve) => setImmediate(resolve));
  const { moving, costBytes } = await stateOf(driver);
  assert.equal(moving?.toBytes, 40 * MiB);
  assert.ok(costBytes > 8 * MiB && costBytes < 40 * MiB, `${costBytes}`);
  assert.deepEqual(await asked, [{ name: 'size', value: '40', live: true }]);
  assert.equal((await stateOf(driver)).moving, undefined);
});

test('resizable: a resize that does nothing is read back as it is', async () => {
  const driver = resizableDriver('stays', { resize: () => undefined }, { unitBytes: MiB, size: () => 8 });
  await toBudget(driver, 4 * MiB);
  const { costBytes, heldBytes } = await stateOf(driver);
  assert.deepEqual([costBytes, heldBytes], [8 * MiB, null]);
});

test('resizable: a newer resize overtakes one that waits, and closing ends what waits', async () => {
  const slow = new Slow();
  const driver = resizableDriver('slow', slow, optionsOf(slow));
  const [first, second, third] = [
    toBudget(driver, 20 * MiB),
    toBudget(driver, 9 * MiB),
    toBudget(driver, MiB),
  ];
  await assert.rejects(second, { code: 'HOTADD_BUSY' });
  await Promise.allSettled([first, third]);
  assert.equal(slow.limit, 1);
  const closed = [toBudget(driver, 2 * MiB), toBudget(driver, 3 * MiB), driver.close?.()];
  await Promise.allSettled(closed);
  assert.ok(slow.limit <= 2, `${slow.limit}`);
});

test('resizable: settings that are not its own are not set', async () => {
  const driver = resizableDriver('blocks', new Blocks(), optionsOf(new Blocks()));
  for (const settings of [[], [{ name: 'other', value: '3', live: true }]]) {
    const context = {
      changeId: 1,
      phase: 'failure',
      deadlineMs: 1,
      signal: new AbortController().signal,
    } as const;
    await assert.rejects(driver.resize({ settings }, context), /blocks: .* cannot be set; hand back size/);
  }
});

test('resizable: an object without resize, and options that are missing, are refused', () => {
  const options = { unitBytes: MiB, size: () => 8 };
  assert.throws(() => resizableDriver('n', {} as never, options), /n: .*has no resize\(\); give/);
  assert.throws(() => resizableDriver('n', null as never, options), { code: 'HOTADD_BAD_USAGE' });
  assert.throws(
    () => resizableDriver('n', new Blocks(), { ...options, unitBytes: 0 }),
    /unitBytes is 0; give/,
  );
  assert.throws(
    () => resizableDriver('n', new Blocks(), { ...options, floor: 3, ceiling: 2 }),
    /ceiling is 2/,
  );
  assert.throws(() => resizableDriver('n', new Blocks(), { unitBytes: 1 } as never), /size is missing/);
});
