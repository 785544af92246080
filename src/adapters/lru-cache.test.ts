// lru-cache itself, held below the size it was made with: what is evicted, what is kept, and that its own
// functions go on meaning what they mean.
import assert from 'node:assert/strict';
import test from 'node:test';
import { LRUCache } from 'lru-cache';
import { backTo, stateOf, toBudget } from '../../test/asked.ts';
import { KiB, MiB } from '../core/bytes.ts';
import { checkDriver } from '../testing/check-driver.ts';
import { lruCacheDriver } from './lru-cache.ts';

const sizeCalculation = (value: Uint8Array) => value.length;
const sized = () => new LRUCache<string, Uint8Array>({ maxSize: 64 * MiB, sizeCalculation });
const entries = () => new LRUCache<string, Uint8Array>({ max: 64 * 1024 });

/** Adds for as long as it is asked to, and finds what it added last. */
const useOf = (cache: () => LRUCache<string, Uint8Array>) => async (signal: AbortSignal) => {
  for (let count = 0; !signal.aborted; count += 1) {
    const key = `key ${count}`;
    cache().set(key, new Uint8Array(64 * KiB));
    if (cache().get(key) === undefined) throw new Error(`${key} is gone`);
    await new Promise((resolve) => setImmediate(resolve));
  }
};

const BUDGETS = { smallBytes: 8 * MiB, largeBytes: 48 * MiB };
let cache = sized();
const makeSized = () => {
  cache = sized();
  return lruCacheDriver('pictures', cache);
};
for (const { title, run } of checkDriver(makeSized, { ...BUDGETS, use: useOf(() => cache) })) {
  test(`lru-cache with maxSize: ${title}`, run);
}
const makeEntries = () => {
  cache = entries();
  return lruCacheDriver('pictures', cache, { bytesPerEntry: KiB });
};
for (const { title, run } of checkDriver(makeEntries, { ...BUDGETS, use: useOf(() => cache) })) {
  test(`lru-cache with max: ${title}`, run);
}
const same = sized();
const again = { ...BUDGETS, use: useOf(() => same) };
for (const { title, run } of checkDriver(() => lruCacheDriver('pictures', same), again)) {
  test(`lru-cache that stays the same: ${title}`, run);
}

const bytes = (count: number) => new Uint8Array(count);
/** a is the oldest of ten entries of ten bytes. */
function ten(options: LRUCache.Options<string, Uint8Array, unknown> = { maxSize: 100, sizeCalculation }) {
  const made = new LRUCache<string, Uint8Array>(options);
  for (const key of 'abcdefghij') made.set(key, bytes(10));
  return made;
}

test('lru-cache: a shrink evicts the oldest at once, and tells dispose why', async () => {
  const gone: string[] = [];
  const dispose = (_: Uint8Array, key: string, reason: string) => gone.push(`${key} ${reason}`);
  const kept = ten({ maxSize: 100, sizeCalculation, dispose });
  kept.get('a');
  const driver = lruCacheDriver('ten', kept);
  assert.deepEqual(await toBudget(driver, 75), [{ name: 'maxSize', value: '75', live: true }]);
  assert.deepEqual(gone, ['b evict', 'c evict', 'd evict']);
  assert.deepEqual([...kept.keys()], ['a', 'j', 'i', 'h', 'g', 'f', 'e']);
  const { costBytes, heldBytes } = await stateOf(driver);
  assert.deepEqual({ costBytes, heldBytes }, { costBytes: 75, heldBytes: 70 });
});

test('lru-cache: entries that come later stay within the budget', async () => {
  const kept = ten();
  await toBudget(lruCacheDriver('ten', kept), 50);
  kept.set('k', bytes(15)).set('f', bytes(5));
  assert.deepEqual([kept.calculatedSize, [...kept.keys()]], [50, ['f', 'k', 'j', 'i', 'h']]);
});

test('lru-cache: an entry above the budget is not kept, and evicts and disposes of nothing', async () => {
  const gone: string[] = [];
  const dispose = (_: Uint8Array, key: string, reason: string) => gone.push(`${key} ${reason}`);
  const kept = ten({ maxSize: 100, sizeCalculation, dispose });
  await toBudget(lruCacheDriver('ten', kept), 50);
  gone.length = 0;
  kept.set('large', bytes(51));
  assert.deepEqual([gone, kept.size], [[], 5]);
  kept.set('j', bytes(51));
  assert.deepEqual([gone, kept.size], [['j set'], 4]);
});

test('lru-cache: after a growth it keeps what it was made for, and no more', async () => {
  const kept = ten();
  const driver = lruCacheDriver('ten', kept);
  await toBudget(driver, 20);
  await toBudget(driver, 1_000);
  for (const key of 'abcdefghijklm') kept.set(key, bytes(10));
  assert.deepEqual([kept.size, kept.calculatedSize, kept.maxEntrySize], [10, 100, 100]);
  const { ceilingBytes, why } = await stateOf(driver);
  assert.equal(ceilingBytes, 100);
  assert.match(why?.ceiling ?? '', /maxSize of 100 .* was fixed when the cache was made/);
});

test('lru-cache: going back sets the size that was read, and what was evicted stays away', async () => {
  const kept = ten();
  const driver = lruCacheDriver('ten', kept);
  const { settings } = await stateOf(driver);
  await toBudget(driver, 30);
  assert.deepEqual(await backTo(driver, settings), settings);
  assert.deepEqual([(await stateOf(driver)).costBytes, kept.size], [100, 3]);
});

test('lru-cache: a fetch, and what it brings in the background, stay within the budget', async () => {
  let brought = 0;
  const fetchMethod = async () => {
    brought += 1;
    return bytes(20);
  };
  const kept = new LRUCache<string, Uint8Array>({
    ...{ maxSize: 100, sizeCalculation, fetchMethod, allowStale: true },
  });
  for (const key of 'abcdefghij') kept.set(key, bytes(10), { ttl: 1, start: performance.now() - 1_000 });
  await toBudget(lruCacheDriver('ten', kept), 50);
  const found = await Promise.all([kept.fetch('x'), kept.fetch('y')]);
  assert.deepEqual(
    found.map((value) => value?.length),
    [20, 20],
  );
  assert.ok(kept.calculatedSize <= 50, `${kept.calculatedSize}`);
  // A stale one is given at once, and its fetch ends later: it has twice the size then.
  const stale = await kept.fetch('j');
  assert.equal(stale?.length, 10);
  while (brought < 3 || kept.peek('j')?.length !== 20) await new Promise((resolve) => setImmediate(resolve));
  assert.ok(kept.calculatedSize <= 50, `${kept.calculatedSize} after the refresh`);
});

test('lru-cache: where entries are counted, one that is being fetched counts too', async () => {
  const kept = new LRUCache<string, Uint8Array>({ max: 10, fetchMethod: async () => bytes(1) });
  await toBudget(lruCacheDriver('ten', kept, { bytesPerEntry: 10 }), 30);
  for (const key of 'abc') kept.set(key, bytes(1));
  const fetched = [kept.fetch('d'), kept.fetch('e')];
  assert.equal(kept.size, 3);
  assert.equal((await Promise.all(fetched)).length, 2);
  assert.deepEqual([...kept.keys()], ['e', 'd', 'c']);
});

test('lru-cache: memo and load stay within the budget', async () => {
  const kept = new LRUCache<string, Uint8Array>({ max: 10, memoMethod: () => bytes(1) });
  await toBudget(lruCacheDriver('ten', kept, { bytesPerEntry: 10 }), 30);
  for (const key of 'abcde') kept.memo(key);
  assert.deepEqual([...kept.keys()], ['e', 'd', 'c']);
  kept.load(ten({ max: 10 }).dump());
  assert.deepEqual([...kept.keys()], ['j', 'i', 'h']);
});

test('lru-cache: a dispose function that adds an entry is called once for each that goes', async () => {
  const gone: string[] = [];
  const dispose = (_: Uint8Array, key: string) => {
    gone.push(key);
    if (key === 'a' || key === 'c') kept.set(`after ${key}`, bytes(1));
  };
  const kept = new LRUCache<string, Uint8Array>({ max: 10, dispose });
  for (const key of 'abcd') kept.set(key, bytes(1));
  await toBudget(lruCacheDriver('ten', kept, { bytesPerEntry: 10 }), 30);
  kept.set('e', bytes(1));
  assert.deepEqual([gone, [...kept.keys()]], [[...'abcd'], ['after c', 'e', 'after a']]);
});

test('lru-cache: an aborted shrink of a large cache stops between two slices, and says where', async () => {
  const large = new LRUCache<number, number>({ max: 400_000 });
  for (let key = 0; key < 400_000; key += 1) large.set(key, key);
  const driver = lruCacheDriver('large', large, { bytesPerEntry: 1 });
  const controller = new AbortController();
  const shrink = toBudget(driver, 1, controller.signal);
  setImmediate(() => controller.abort(new Error('enough')));
  await assert.rejects(shrink, /enough/);
  const { costBytes, heldBytes, moving } = await stateOf(driver);
  assert.ok(costBytes > 1 && costBytes < 400_000, `${costBytes}`);
  assert.deepEqual([heldBytes, moving], [costBytes, undefined]);
  large.set(-1, -1);
  assert.equal(large.size, costBytes);
});

test('lru-cache: a cache that is never shrunk is left as it is', async () => {
  const kept = ten();
  await toBudget(lruCacheDriver('ten', kept), 1_000);
  assert.equal(Object.hasOwn(kept, 'set'), false);
  assert.equal(kept.sizeCalculation, sizeCalculation);
});

test('lru-cache: two drivers over one cache hold it to one size', async () => {
  const kept = ten();
  await toBudget(lruCacheDriver('one', kept), 40);
  assert.equal((await stateOf(lruCacheDriver('two', kept))).costBytes, 40);
});

test('lru-cache: options that do not fit the cache are refused, with what to give', () => {
  assert.throws(() => lruCacheDriver('n', entries()), /n: the cache has max alone.*; give bytesPerEntry/);
  assert.throws(
    () => lruCacheDriver('n', sized(), { bytesPerEntry: 9 }),
    /has maxSize.*; leave bytesPerEntry/,
  );
  assert.throws(() => lruCacheDriver('n', entries(), { bytesPerEntry: 0.5 }), /bytesPerEntry is 0.5; give/);
  assert.throws(() => lruCacheDriver('n', new Map() as never), /not a cache of lru-cache: it has no pop/);
  const timed = new LRUCache({ ttl: 1_000, ttlAutopurge: true });
  assert.throws(() => lruCacheDriver('n', timed), /neither maxSize nor max.*; make it with maxSize/);
});
