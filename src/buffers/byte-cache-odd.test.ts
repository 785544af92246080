// The cache in odd hands: closed at any moment, set from its own leases, from views of every kind of memory,
// with keys of a MiB, resized faster than it can follow, in several threads.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Worker } from 'node:worker_threads';
import { KiB, MiB } from '../core/bytes.ts';
import { ClockSim } from '../testing/clock-sim.ts';
import { RandomSim } from '../testing/random-sim.ts';
import { ByteCache } from './byte-cache.ts';
import type { ValueLease } from './value-lease.ts';

const SEGMENT = 64 * KiB;
const open = () => new ByteCache('cache', { bytes: 64 * MiB, slabBytes: 16 * MiB, segmentBytes: 4 * MiB });
const copyOf = (cache: ByteCache, key: string) => Buffer.from(cache.getCopy(key) ?? 'not there');

/** Random use up to a random moment. */
async function useSome(cache: ByteCache, random: RandomSim, clock: ClockSim): Promise<ValueLease[]> {
  const leases: ValueLease[] = [];
  for (let left = random.between(10, 600); left > 0; left -= 1) {
    const chance = random.next();
    const key = `key ${random.between(0, 2000)}`;
    const lease = chance < 0.3 ? cache.get(key) : null;
    if (lease !== null) leases.push(lease);
    else if (chance < 0.85) cache.set(key, Buffer.alloc(random.pick([10, 3000, 30_000]), key));
    else if (chance < 0.9) leases.splice(random.between(0, leases.length), 1)[0]?.release();
    else if (chance < 0.95) {
      const segments = random.between(0, 20);
      const bytes = segments < 2 ? 0 : segments * SEGMENT;
      void cache.setBytes(bytes, { deadlineMs: random.between(0, 3) });
    } else await clock.advance(random.between(0, 2));
  }
  return leases;
}

test('byte cache: closed at any moment, it gives back all with the last lease', async () => {
  for (let seed = 1; seed <= 150; seed += 1) {
    const [random, clock] = [new RandomSim(seed), new ClockSim()];
    const slabBytes = random.pick([1, 2]) * SEGMENT;
    const cache = new ByteCache('cache', { bytes: 20 * SEGMENT, slabBytes, segmentBytes: SEGMENT, clock });
    const leases = await useSome(cache, random, clock);
    const values = leases.map(({ bytes }) => Buffer.from(bytes));
    const closed = cache.close();
    if (random.next() < 0.5) await clock.advance(1);
    assert.throws(() => cache.set('a', new Uint8Array(1)), { code: 'HOTADD_CLOSED' });
    await assert.rejects(cache.setBytes(SEGMENT), { code: 'HOTADD_CLOSED' });
    assert.deepEqual([cache.get('key 1'), cache.delete('key 1'), cache.stats.entries], [null, false, 0]);
    for (const [index, lease] of leases.entries()) {
      assert.ok(values[index]?.equals(lease.bytes), `seed ${seed}`);
      lease.release();
      if (random.next() < 0.1) await clock.advance(1);
    }
    await clock.until(closed);
    await clock.advance(1);
    assert.equal(cache.heldBytes, 0, `seed ${seed}`);
  }
});

test('byte cache: sizes that change faster than it can follow end at the last one', async () => {
  const random = new RandomSim(1);
  const clock = new ClockSim();
  const cache = new ByteCache('cache', { bytes: 64 * SEGMENT, slabBytes: SEGMENT, clock });
  const moves: Promise<void>[] = [];
  for (let step = 0; step < 3000; step += 1) {
    cache.set(`key ${step}`, Buffer.alloc(10_000));
    moves.push(cache.setBytes(random.between(0, 64) * SEGMENT, { deadlineMs: random.between(0, 5) }));
    if (step % 50 === 0) await clock.advance(1);
  }
  moves.push(cache.setBytes(3 * SEGMENT));
  await clock.until(Promise.all(moves));
  assert.ok(cache.heldBytes <= 3 * SEGMENT && cache.stats.entries > 0);
});

test('byte cache: a value is set from views of any memory, and from leases of the cache itself', async () => {
  const cache = open();
  const shared = new Uint8Array(new SharedArrayBuffer(100), 10, 20).fill(7);
  const growing = new Uint8Array(new ArrayBuffer(10, { maxByteLength: 100 })).fill(1);
  growing.buffer.resize(50);
  cache.set('shared', shared);
  cache.set('growing', growing);
  cache.set('part', Buffer.from('0123456789').subarray(3, 6));
  assert.deepEqual(copyOf(cache, 'shared'), Buffer.alloc(20, 7));
  assert.deepEqual(copyOf(cache, 'growing'), Buffer.concat([Buffer.alloc(10, 1), Buffer.alloc(40)]));
  assert.equal(copyOf(cache, 'part').toString(), '345');
  const whole = Buffer.alloc(MiB, 'abc');
  cache.set('whole', whole);
  const lease = cache.get('whole');
  assert.ok(lease);
  for (let index = 0; index < 200; index += 1) {
    cache.set(`copy ${index % 70}`, lease.bytes);
    cache.set('whole', lease.bytes.subarray(index));
  }
  assert.ok(cache.stats.evictions > 0 && whole.equals(lease.bytes));
  assert.ok(whole.subarray(199).equals(copyOf(cache, 'whole')));
  lease.release();
  await cache.setBytes(0);
  assert.equal(cache.heldBytes, 0);
});

test('byte cache: a value whose memory was transferred is refused, and what was there stays', () => {
  const cache = open();
  const value = new Uint8Array(8).fill(1);
  cache.set('a', value);
  structuredClone(value.buffer, { transfer: [value.buffer] });
  assert.throws(() => cache.set('a', value), /cache: the memory of a value was transferred/);
  assert.deepEqual([copyOf(cache, 'a').length, cache.stats.entries, cache.stats.bytes], [8, 1, 8]);
});

test('byte cache: keys of a MiB are told apart, and those that do not fit are refused', () => {
  const cache = open();
  for (const unit of ['é', '€']) {
    const key = unit.repeat(MiB);
    assert.equal(cache.set(key, Buffer.from(unit)), true);
    assert.deepEqual(copyOf(cache, key), Buffer.from(unit));
    assert.equal(cache.has(`${key.slice(1)}a`), false);
  }
  const message = /the key "€{60}\.\.\." of 4194304 bytes does not fit a segment of 4 MiB; .* hash of it/;
  assert.throws(() => cache.set('€'.repeat(2 * MiB), new Uint8Array(1)), { message });
});

test('byte cache: threads have caches of their own, which are resized while others are', async () => {
  const program = `
    import { parentPort } from 'node:worker_threads';
    import { ByteCache } from ${JSON.stringify(new URL('./byte-cache.ts', import.meta.url).href)};
    const cache = new ByteCache('cache', { bytes: 64 * ${MiB}, slabBytes: ${MiB} });
    let wrong = 0;
    for (let step = 0; step < 60_000; step += 1) {
      const key = (step * 7) % 20_000;
      cache.set('key ' + key, Buffer.alloc(key % 700, key));
      const lease = cache.get('key ' + ((step * 11) % 20_000));
      if (lease !== null && !lease.bytes.every((byte) => byte === ((step * 11) % 20_000) % 256)) wrong += 1;
      lease?.release();
      if (step % 5_000 === 0) await cache.setBytes((step / 5_000 % 4) * 4 * ${MiB});
    }
    await cache.close();
    parentPort.postMessage([cache.heldBytes, cache.stats.hits > 1000, wrong]);
  `;
  const url = new URL(`data:text/javascript,${encodeURIComponent(program)}`);
  const play = () =>
    new Promise((resolve, reject) => {
      new Worker(url).on('message', resolve).on('error', reject);
    });
  assert.deepEqual(await Promise.all([play(), play()]), [
    [0, true, 0],
    [0, true, 0],
  ]);
});
