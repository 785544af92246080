// The author's form is a driver like any other: it passes the contract, refuses below its floor, and what the
// author's own functions do wrong is seen.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MiB } from '../core/bytes.ts';
import type { ResizeContext } from '../core/driver.ts';
import type { PhysicalMemory } from '../core/memory.ts';
import { checkDriver } from '../testing/check-driver.ts';
import { buffers } from './buffers.ts';

const context = { changeId: 1, phase: 'arrival', deadlineMs: 1000 } as ResizeContext;
const memory = {} as PhysicalMemory;

function thumbnails(floor = 0, ceiling?: number) {
  const cache = { bytes: 32 * MiB };
  const driver = buffers('thumbnails', {
    size: () => cache.bytes,
    resize: (bytes) => {
      cache.bytes = bytes;
    },
    floor,
    step: MiB,
    ...(ceiling === undefined ? {} : { ceiling }),
  });
  return { cache, driver };
}

const BUDGETS = { smallBytes: 16 * MiB, largeBytes: 64 * MiB };
for (const { title, run } of checkDriver(() => thumbnails(8 * MiB).driver, BUDGETS)) {
  test(`buffers: ${title}`, run);
}
for (const { title, run } of checkDriver(() => thumbnails(0, 80 * MiB).driver, BUDGETS)) {
  test(`buffers with a ceiling and no floor: ${title}`, run);
}

test('buffers: a budget is rounded down to the step', async () => {
  const { cache, driver } = thumbnails();
  await driver.resize({ bytes: 10 * MiB + 17, memory }, context);
  assert.equal(cache.bytes, 10 * MiB);
});

test('buffers: they take no more than their ceiling', async () => {
  const { cache, driver } = thumbnails(0, 40 * MiB);
  await driver.resize({ bytes: 64 * MiB, memory }, context);
  assert.equal(cache.bytes, 40 * MiB);
});

test('buffers: below the floor they refuse, and nothing changes', async () => {
  const { cache, driver } = thumbnails(8 * MiB);
  await assert.rejects(driver.resize({ bytes: 4 * MiB, memory }, context), /thumbnails needs 8 MiB/);
  assert.equal(cache.bytes, 32 * MiB);
});

test('buffers: going back sets the size that was read', async () => {
  const { cache, driver } = thumbnails();
  const { settings } = await driver.read(new AbortController().signal);
  await driver.resize({ bytes: 64 * MiB, memory }, context);
  await driver.resize({ settings }, context);
  assert.equal(cache.bytes, 32 * MiB);
});

test('buffers: a size that is no whole number of bytes is read as whole bytes', async () => {
  const driver = buffers('odd', { size: () => 10.7, resize: () => {} });
  assert.equal((await driver.read(new AbortController().signal)).costBytes, 11);
});

test('buffers: what cannot be resized is refused at once, with what to give', () => {
  const size = () => 1;
  const code = 'HOTADD_BAD_DRIVER';
  assert.throws(() => buffers('odd', { size } as never), {
    code,
    message: 'buffers odd: it has no resize(); give resize: (bytes) => { ... }',
  });
  assert.throws(() => buffers('odd', { size, resize: 5 } as never), { code, place: 'buffers odd' });
  assert.throws(() => buffers('odd', { resize: () => undefined } as never), /it has no size\(\); give size/);
  assert.throws(() => buffers('odd', undefined as never), { code });
});

test('buffers: an option that cannot be meant is refused at once, with what to give', () => {
  const given = { size: () => 1, resize: () => undefined };
  const refuses = (name: unknown, options: unknown, message: string | RegExp) =>
    assert.throws(() => buffers(name as never, options as never), { code: 'HOTADD_BAD_DRIVER', message });
  refuses('odd', { ...given, step: 0 }, 'buffers odd: step is 0; give whole bytes from 1');
  for (const key of ['floor', 'ceiling', 'step']) {
    for (const value of ['1', Number.NaN, -1, 1.5, null, Number.POSITIVE_INFINITY])
      refuses('odd', { ...given, [key]: value }, new RegExp(`buffers odd: ${key} is .*; give whole bytes`));
  }
  refuses('odd', { ...given, floor: 2, ceiling: 1 }, /ceiling 1 is below floor 2; give a ceiling from floor/);
  refuses('odd', { ...given, held: 5 }, /held is 5; give held: \(\) => bytes/);
  refuses(
    'odd',
    { ...given, ceilling: 5 },
    /buffers odd: has no option ceilling; its options are size, resize/,
  );
  refuses('', given, /buffers: the name is ""; give buffers\('thumbnails'/);
  refuses(5, given, /buffers: the name is 5/);
  refuses(given, undefined, /buffers: has no name; give buffers\('thumbnails', \{ size, resize \}\)/);
  assert.equal(buffers('none', { ...given, floor: 0, ceiling: 0, step: 1 }).name, 'none');
});
