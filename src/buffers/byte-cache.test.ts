// The cache in simulated time: what it keeps, what it drops and counts, and how it is resized while it is in
// use, also against a model that knows every value ever set.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { KiB, MiB } from '../core/bytes.ts';
import type { Clock } from '../core/clock.ts';
import { checkDriver } from '../testing/check-driver.ts';
import { ClockSim } from '../testing/clock-sim.ts';
import { RandomSim } from '../testing/random-sim.ts';
import { ByteCache, type ByteCacheOptions } from './byte-cache.ts';

const SLAB = 64 * KiB;

function open(slabs: number, options: Partial<ByteCacheOptions> = {}) {
  const clock = new ClockSim();
  return {
    clock,
    cache: new ByteCache('cache', {
      bytes: slabs * (options.slabBytes ?? SLAB),
      slabBytes: SLAB,
      clock,
      ...options,
    }),
  };
}

const textOf = (bytes: Uint8Array | null) => (bytes === null ? null : Buffer.from(bytes).toString());
const fill = (cache: ByteCache, from: number, to: number, length = 6_400) => {
  for (let index = from; index < to; index += 1) cache.set(`key ${index}`, Buffer.alloc(length, `${index}`));
};

let last = new ByteCache('cache', { bytes: 0 });
const makeCache = () => {
  last = new ByteCache('cache', { bytes: 16 * MiB, slabBytes: 256 * KiB });
  fill(last, 0, 3000);
  return last;
};
async function use(signal: AbortSignal) {
  const cache = last;
  for (let index = 0; !signal.aborted; index += 1) {
    fill(cache, index, index + 20);
    const view = cache.get(`key ${index}`);
    if (view !== null) assert.equal(view.bytes.length, 6_400);
    view?.release();
    await new Promise((resolve) => setImmediate(resolve));
  }
}
for (const { title, run } of checkDriver(makeCache, { smallBytes: 8 * MiB, largeBytes: 32 * MiB, use })) {
  test(`byte cache: ${title}`, run);
}

test('byte cache: it keeps a copy, and gives the value or a copy of it', () => {
  const { cache } = open(4);
  const value = Buffer.from('hello');
  assert.equal(cache.set('a', value), true);
  value.fill(0);
  assert.equal(textOf(cache.getCopy('a')), 'hello');
  const view = cache.get('a');
  assert.equal(textOf(view?.bytes ?? null), 'hello');
  view?.release();
  assert.throws(() => view?.bytes, { code: 'HOTADD_RELEASED', place: 'cache' });
  assert.throws(() => view?.release(), { code: 'HOTADD_RELEASED' });
  assert.deepEqual([cache.get('b'), cache.has('b'), cache.has('a')], [null, false, true]);
  assert.equal(cache.set('empty', new Uint8Array(0)), true);
  assert.equal(cache.getCopy('empty')?.length, 0);
});

test('byte cache: a view keeps its bytes, whatever becomes of its key and of the cache', async () => {
  for (const change of ['set', 'set other', 'delete', 'evict', 'shrink', 'close'] as const) {
    const { cache, clock } = open(3);
    cache.set('a', Buffer.from('hello'));
    const view = cache.get('a');
    if (change === 'set') cache.set('a', Buffer.from('HELLO'));
    if (change === 'set other') cache.set('a', Buffer.from('longer'));
    if (change === 'delete') cache.delete('a');
    if (change === 'evict') fill(cache, 0, 200);
    if (change === 'shrink') await clock.until(cache.setBytes(0, { deadlineMs: 10 }));
    if (change === 'close') await clock.until(cache.close());
    assert.equal(textOf(view?.bytes ?? null), 'hello', change);
    if (change === 'set') assert.equal(textOf(cache.getCopy('a')), 'HELLO');
    const before = await cache.read();
    if (change === 'shrink') {
      assert.deepEqual([before.heldBytes, view?.recalled], [SLAB, true]);
      assert.match(before.why?.held ?? '', /64 KiB in slabs with leases/);
    }
    view?.release();
    await clock.advance(0);
    if (change === 'shrink' || change === 'close') assert.equal(cache.heldBytes, 0, change);
  }
});

test('byte cache: a value stays for its time, and is found expired when it is asked for', async () => {
  const { cache, clock } = open(4, { ttlMs: 1000 });
  cache.set('a', Buffer.from('a'));
  cache.set('b', Buffer.from('b'), { ttlMs: 2000 });
  await clock.advance(999);
  assert.deepEqual([cache.has('a'), cache.has('b')], [true, true]);
  await clock.advance(1);
  assert.deepEqual([cache.has('a'), cache.get('a'), cache.stats.entries], [false, null, 1]);
  cache.set('b', Buffer.from('B'), { ttlMs: 500 });
  await clock.advance(500);
  assert.equal(cache.getCopy('b'), null);
  const { hits, misses, expirations, bytes, entries } = cache.stats;
  assert.deepEqual([hits, misses, expirations, bytes, entries], [0, 2, 2, 0, 0]);
});

test('byte cache: what is expired is dropped as expired when its segment has its turn', async () => {
  const { cache, clock } = open(10, { ttlMs: 10 });
  fill(cache, 0, 100);
  const evicted = cache.stats.evictions;
  await clock.advance(10);
  fill(cache, 100, 130);
  assert.ok(cache.stats.expirations >= 20, `${cache.stats.expirations} are dropped as expired`);
  assert.deepEqual([cache.stats.evictions, cache.has('key 129')], [evicted, true]);
});

test('byte cache: what is asked for again outlasts a scan', () => {
  const { cache } = open(10);
  fill(cache, 0, 20);
  for (let index = 0; index < 20; index += 1) cache.getCopy(`key ${index}`);
  fill(cache, 1000, 2000);
  assert.ok(Array.from({ length: 20 }, (_, index) => cache.has(`key ${index}`)).every(Boolean));
});

test('byte cache: a write looks at few values, also where every value is in use', () => {
  let looks = 0;
  const sim = new ClockSim();
  const clock: Clock = {
    monotonicMs: () => {
      looks += 1;
      return sim.monotonicMs();
    },
    wallMs: () => sim.wallMs(),
    after: (delayMs, callback) => sim.after(delayMs, callback),
  };
  const { cache } = open(100, { clock, ttlMs: 1000 });
  fill(cache, 0, 1000);
  for (let asks = 0; asks < 3000; asks += 1) cache.getCopy(`key ${asks % 1000}`);
  looks = 0;
  cache.set('one more', new Uint8Array(6_400));
  // The clock is read for each value of a segment that is emptied, 10 in each.
  assert.ok(
    looks <= 60 && cache.stats.evictions === 10,
    `${looks} looks, ${cache.stats.evictions} evictions`,
  );
});

test('byte cache: full, it takes a few percent for keys, the index and the ends of segments', () => {
  const { cache } = open(20, { slabBytes: MiB });
  fill(cache, 0, 25_000, 1000);
  const share = cache.stats.bytes / cache.heldBytes;
  assert.deepEqual([cache.heldBytes, share > 0.9], [20 * MiB, true], `${share} of its memory is values`);
  assert.ok(cache.stats.entries > 18_000);
});

test('byte cache: what is written again and again takes its place once', () => {
  const { cache } = open(20, { slabBytes: MiB });
  const random = new RandomSim(1);
  for (let write = 0; write < 30_000; write += 1)
    cache.set(`key ${write % 1000}`, Buffer.alloc(random.between(1, 16 * KiB)));
  // 1,000 values of 8 KiB on average are 8 of 20 MiB: what is dead makes room before any value does.
  assert.deepEqual([cache.stats.entries, cache.stats.evictions], [1000, 0]);
});

test('byte cache: what is larger than a segment is refused, and what has no room is not kept', () => {
  const { cache } = open(1);
  const message =
    /cache: the value of "big" has 65536 bytes, and beside its key fit 65496, in a segment of 64 KiB;/;
  assert.throws(() => cache.set('big', new Uint8Array(SLAB)), { code: 'HOTADD_BAD_AMOUNT', message });
  assert.equal(cache.set('big', new Uint8Array(65_496)), true);
  assert.throws(() => cache.set('big', new Uint8Array(65_497)), { code: 'HOTADD_BAD_AMOUNT' });
  assert.equal(cache.set('whole', new Uint8Array(SLAB - 64)), true);
  const view = cache.get('whole');
  assert.equal(cache.set('other', new Uint8Array(1)), false);
  view?.release();
  assert.equal(cache.set('other', new Uint8Array(1)), true);
  assert.equal(open(0).cache.set('a', new Uint8Array(1)), false);
});

test('byte cache: what is no key, no value, no time and no size is refused, and says so', () => {
  const { cache } = open(4);
  const value = new Uint8Array(1);
  assert.throws(
    () => cache.set(7 as unknown as string, value),
    /a key is text, and this is number; call it with/,
  );
  assert.throws(() => cache.get(7 as unknown as string), /a key is text/);
  assert.throws(
    () => cache.set('a', 'text' as unknown as Uint8Array),
    /a value is bytes; call it with a Uint8/,
  );
  for (const ttlMs of [0, -1, Number.NaN, Number.POSITIVE_INFINITY])
    assert.throws(() => cache.set('a', value, { ttlMs }), /ttlMs of .* is no time/);
  assert.throws(() => open(4, { segmentBytes: 100_000 }), /segmentBytes of 100000 is not a power of two/);
  const tooLarge = /segmentBytes of 131072 do not divide a slab, and slabBytes are 65536; give segmentBytes/;
  assert.throws(() => open(4, { segmentBytes: 2 * SLAB }), tooLarge);
  assert.throws(() => open(4, { slabBytes: 100_000 }), /cache: slabBytes of 100000 are not whole bytes in/);
  const none = undefined as unknown as ByteCacheOptions;
  assert.throws(() => new ByteCache('cache', none), /cache: there are no options; give \{ bytes \}/);
  assert.equal(cache.stats.entries, 0);
});

test('byte cache: whatever its slabs are, it finds a size of segments for them', () => {
  for (const [slabBytes, most] of [
    [3 * MiB, 64 * KiB],
    [33 * MiB + SLAB, 64 * KiB],
    [36 * MiB, MiB],
    [4 * MiB, 128 * KiB],
    [64 * MiB, MiB],
  ] as const) {
    const { cache } = open(1, { slabBytes });
    assert.equal(cache.set('a', new Uint8Array(most - 64)), true);
    assert.throws(() => cache.set('a', new Uint8Array(most)), { code: 'HOTADD_BAD_AMOUNT' });
  }
});

test('byte cache: keys are told apart by each of their code units', () => {
  const { cache } = open(4);
  const keys = [
    '',
    'a',
    'aa',
    'é',
    'éa',
    '\u0100',
    '\u0001',
    '\u0000',
    '\u0000\u0001',
    'a\u0100',
    '\ud83d',
    '\ude00',
  ];
  for (const key of keys) cache.set(key, Buffer.from(JSON.stringify(key)));
  for (const key of keys) assert.equal(textOf(cache.getCopy(key)), JSON.stringify(key));
  assert.equal(cache.stats.entries, keys.length);
  const long = 'x'.repeat(5000);
  cache.set(long, Buffer.from('long'), { ttlMs: 10 });
  assert.equal(textOf(cache.getCopy(long)), 'long');
  assert.equal(cache.has(`${long.slice(1)}y`), false);
});

test('byte cache: a value begins where any typed array may, and its memory can be read in place', () => {
  const { cache } = open(4);
  for (const key of ['a', 'abcdefgh', 'é€']) {
    cache.set(key, new Uint8Array(new Float64Array([1.5, -2]).buffer), key === 'a' ? {} : { ttlMs: 10 });
    const lease = cache.get(key);
    assert.ok(lease !== null);
    const { buffer, byteOffset } = lease.bytes;
    assert.deepEqual([...new Float64Array(buffer, byteOffset, 2)], [1.5, -2]);
    assert.deepEqual(lease.memory.subarray(lease.begin, lease.begin + lease.length), lease.bytes);
    lease.release();
    assert.throws(() => lease.memory, { code: 'HOTADD_RELEASED' });
  }
});

test('byte cache: cleared, it forgets all, keeps what is viewed, and goes on', async () => {
  const { cache, clock } = open(4);
  fill(cache, 0, 30);
  const view = cache.get('key 29');
  cache.clear();
  assert.deepEqual([cache.stats.entries, cache.stats.bytes, cache.has('key 29')], [0, 0, false]);
  fill(cache, 30, 60);
  assert.equal(view?.bytes[0], '2'.charCodeAt(0));
  view?.release();
  cache.clear();
  await clock.until(cache.setBytes(0));
  assert.equal(cache.heldBytes, 0);
});

test('byte cache: a shrink moves and evicts in slices, and the rest is served meanwhile', async () => {
  const sim = new ClockSim();
  const evictions: number[] = [];
  const after: Clock['after'] = (delayMs, callback) =>
    sim.after(delayMs, () => {
      evictions.push(cache.stats.evictions);
      assert.ok(cache.set('meanwhile', Buffer.alloc(6_400, 'x')));
      assert.equal(cache.getCopy('meanwhile')?.length, 6_400);
      callback();
    });
  const clock = { monotonicMs: () => sim.monotonicMs(), wallMs: () => sim.wallMs(), after };
  const cache: ByteCache = new ByteCache('cache', { bytes: 64 * MiB, slabBytes: MiB, clock });
  fill(cache, 0, 11_000);
  const before = cache.stats.evictions;
  await sim.until(cache.setBytes(16 * MiB));
  const turns = evictions.map((count, index) => count - (evictions[index - 1] ?? before));
  // A slice is 4 MiB: that many values of 6,400 bytes at most.
  assert.ok(turns.length > 12 && Math.max(...turns) <= (4 * MiB) / 6_400, turns.join(' '));
  assert.deepEqual([cache.heldBytes, cache.sizeBytes], [16 * MiB, 16 * MiB]);
  assert.ok(cache.stats.entries >= 2_200, `${cache.stats.entries} values are left`);
});

test('byte cache: a view keeps one slab of a shrink, and another slab goes in its place', async () => {
  const { cache, clock } = open(8, { slabBytes: MiB });
  fill(cache, 0, 1200);
  const view = cache.get('key 1199');
  await clock.until(cache.setBytes(MiB));
  assert.deepEqual([cache.heldBytes, view?.recalled], [MiB, false]);
  void cache.setBytes(0, { deadlineMs: 10 });
  await clock.advance(100);
  assert.deepEqual([cache.heldBytes, view?.recalled], [MiB, true]);
  view?.release();
  await clock.advance(0);
  assert.equal(cache.heldBytes, 0);
});

test('byte cache: closed, it has nothing, and keeps nothing', async () => {
  const { cache, clock } = open(4);
  fill(cache, 0, 20);
  await clock.until(cache.close());
  assert.deepEqual([cache.heldBytes, cache.stats.entries, cache.stats.bytes], [0, 0, 0]);
  assert.equal(cache.getCopy('key 1'), null);
  assert.throws(() => cache.set('a', Buffer.from('a')), { code: 'HOTADD_CLOSED' });
});
