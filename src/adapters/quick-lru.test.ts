// quick-lru itself, with its own resize: what is evicted, and that what it really holds is never more than is
// told of it.
import assert from 'node:assert/strict';
import test from 'node:test';
import QuickLRU from 'quick-lru';
import { backTo, stateOf, toBudget } from '../../test/asked.ts';
import { KiB, MiB } from '../core/bytes.ts';
import { checkDriver } from '../testing/check-driver.ts';
import { quickLruDriver } from './quick-lru.ts';

let cache = new QuickLRU<string, Uint8Array>({ maxSize: 1 });
const makeDriver = () => {
  cache = new QuickLRU({ maxSize: 1_000 });
  return quickLruDriver('pictures', cache, { bytesPerEntry: 4 * KiB });
};
const use = async (signal: AbortSignal) => {
  for (let count = 0; !signal.aborted; count += 1) {
    const key = `key ${count}`;
    cache.set(key, new Uint8Array(4 * KiB));
    if (cache.get(key) === undefined) throw new Error(`${key} is gone`);
    await new Promise((resolve) => setImmediate(resolve));
  }
};
for (const { title, run } of checkDriver(makeDriver, { smallBytes: 2 * MiB, largeBytes: 16 * MiB, use })) {
  test(`quick-lru: ${title}`, run);
}
const same = new QuickLRU<string, string>({ maxSize: 4_000 });
for (let key = 0; key < 8_000; key += 1) same.set(`${key}`, 'x');
const makeSame = () => quickLruDriver('pictures', same, { bytesPerEntry: 4 * KiB });
for (const { title, run } of checkDriver(makeSame, { smallBytes: 2 * MiB, largeBytes: 16 * MiB })) {
  test(`quick-lru that stays the same: ${title}`, run);
}

test('quick-lru: a budget counts both generations, and no more is there than is told', async () => {
  const kept = new QuickLRU<number, number>({ maxSize: 100 });
  const driver = quickLruDriver('kept', kept, { bytesPerEntry: 10 });
  assert.equal((await stateOf(driver)).costBytes, 2_000);
  let mostTold = 0;
  for (let key = 0; key < 1_000; key += 1) {
    kept.set(key % 150, key);
    const there = [...kept.entriesAscending()].length;
    const { heldBytes } = await stateOf(driver);
    assert.ok(there * 10 <= (heldBytes ?? 0), `${there} entries, ${heldBytes} told`);
    mostTold = Math.max(mostTold, heldBytes ?? 0);
  }
  assert.equal(mostTold, 2_000);
});

test('quick-lru: a shrink keeps what was used last, and tells of what goes', async () => {
  const gone: string[] = [];
  const kept = new QuickLRU<string, number>({ maxSize: 10, onEviction: (key) => gone.push(key) });
  for (const key of 'abcdef') kept.set(key, 1);
  const driver = quickLruDriver('kept', kept, { bytesPerEntry: 1 });
  const { settings } = await stateOf(driver);
  assert.deepEqual(await toBudget(driver, 7), [{ name: 'maxSize', value: '3', live: true }]);
  assert.deepEqual([gone, [...kept.keys()].sort()], [[...'abc'], [...'def']]);
  assert.deepEqual(await backTo(driver, settings), settings);
  assert.equal(kept.maxSize, 10);
});

test('quick-lru: less than one entry is refused, and bad options are', async () => {
  const kept = new QuickLRU<string, number>({ maxSize: 10 });
  const driver = quickLruDriver('kept', kept, { bytesPerEntry: 50 });
  await assert.rejects(toBudget(driver, 99), { code: 'HOTADD_REFUSED', floorBytes: 100 });
  assert.throws(() => quickLruDriver('kept', kept, {} as never), /kept: bytesPerEntry is undefined; give/);
  assert.throws(() => quickLruDriver('kept', new Map() as never, { bytesPerEntry: 1 }), /has no resize\(\)/);
});
