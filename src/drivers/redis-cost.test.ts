// The arithmetic between a budget and maxmemory.
import assert from 'node:assert/strict';
import test from 'node:test';
import { GiB, MiB } from '../core/bytes.ts';
import { costOf, fixedBytes, floorOf, heldOf, maxmemoryFor, stepOf, weigh } from './redis-cost.ts';
import { describeStop, follows, stands } from './redis-follow.ts';
import { parseFacts, type RedisFacts } from './redis-info.ts';

const model = { overhead: 1.25, forkRoom: null };

function factsWith(change: Partial<RedisFacts> = {}): RedisFacts {
  const info = 'redis_version:7.0.15\r\nrun_id:a\r\nused_memory:1000000\r\nused_memory_rss:12000000\r\n';
  const config = [['maxmemory', String(400 * MiB), 'maxmemory-policy', 'allkeys-lru']];
  return { ...parseFacts('cache', { info, config }), ...change };
}

test('redis cost: a budget never buys more than it pays for', () => {
  for (const facts of [factsWith(), factsWith({ forks: true }), factsWith({ outsideBytes: 77 * MiB })]) {
    for (let budget = 20 * MiB; budget < 300 * GiB; budget = Math.floor(budget * 1.37) + 1) {
      const maxmemory = maxmemoryFor(budget, facts, model);
      if (maxmemory <= 0) continue;
      const cost = costOf(maxmemory, facts, model);
      assert.ok(cost <= budget, `${maxmemory} costs ${cost} of ${budget}`);
      assert.ok(cost + 2 * stepOf(facts, model) > budget, 'no more than a step is left over');
      assert.equal(maxmemory % MiB, 0);
    }
  }
});

test('redis cost: what maxmemory does not cover is counted beside it', () => {
  assert.equal(fixedBytes(factsWith()), 12 * MiB);
  assert.equal(
    fixedBytes(factsWith({ outsideBytes: 13 * MiB })),
    16 * MiB,
    'in steps, so that it does not flutter',
  );
  assert.equal(fixedBytes(factsWith({ replicaBufferBytes: 64 * MiB })), 76 * MiB);
  assert.equal(fixedBytes(factsWith({ appendOnly: true })), 16 * MiB);
  assert.equal(fixedBytes(factsWith({ appendOnly: true, aofBufferBytes: 9 * MiB })), 24 * MiB);
});

test('redis cost: a server that forks needs room for copied pages', () => {
  assert.equal(costOf(100 * MiB, factsWith({ forks: true }), model), 12 * MiB + 150 * MiB);
  assert.equal(
    costOf(100 * MiB, factsWith({ forks: true }), { ...model, forkRoom: 0 }),
    12 * MiB + 125 * MiB,
  );
  assert.equal(costOf(100 * MiB, factsWith(), { ...model, forkRoom: 1 }), 12 * MiB + 250 * MiB);
  const { why } = weigh(factsWith({ forks: true, lastCowBytes: GiB }), model);
  assert.match(why.cost ?? '', /the last fork copied 1 GiB, more than this leaves room for/);
});

test('redis cost: held counts copies of a fork, and what is swapped out', () => {
  assert.equal(heldOf(factsWith({ rssBytes: 100, usedBytes: 80, cowBytes: 30 })), 130);
  assert.equal(heldOf(factsWith({ rssBytes: 100, usedBytes: 180 })), 180);
});

test('redis cost: the floor is what cannot go', () => {
  const used = { usedBytes: 90.5 * MiB, countedBytes: 90.5 * MiB };
  assert.equal(floorOf(factsWith(used), model).maxmemoryBytes, MiB, 'allkeys: nothing but its own buffers');
  const kept = floorOf(factsWith({ ...used, policy: 'noeviction' }), model);
  assert.equal(kept.maxmemoryBytes, 91 * MiB);
  assert.match(kept.reason, /noeviction, so what is in use \(90\.5 MiB\)/);
  assert.match(floorOf(factsWith({ ...used, policy: 'volatile-ttl' }), model).reason, /no key has an expiry/);
  assert.equal(
    floorOf(factsWith({ ...used, policy: 'volatile-ttl', expiringKeys: 1 }), model).maxmemoryBytes,
    MiB,
  );
  assert.match(floorOf(factsWith({ ...used, evictsItself: false }), model).reason, /a replica/);
});

test('redis follow: half of what was evicted has to come back', () => {
  const mark = factsWith({ usedBytes: 400 * MiB, rssBytes: 430 * MiB });
  const after = (usedMiB: number, rssMiB: number) =>
    factsWith({ usedBytes: usedMiB * MiB, rssBytes: rssMiB * MiB, fragmentation: 1.13 });
  assert.equal(follows(mark, after(380, 412), 'off'), true);
  assert.equal(follows(mark, after(380, 430), 'off'), false);
  assert.equal(follows(mark, after(399, 430), 'off'), true, 'too little to tell');
  assert.equal(
    follows(mark, after(300, 430), 'on'),
    true,
    'defragmentation leaves 100 MiB and a tenth alone',
  );
  assert.equal(follows(mark, after(200, 430), 'on'), false);
  assert.match(
    describeStop(mark, after(380, 430), 'missing'),
    /^stopped: the last 20 MiB evicted gave back 0 B; holds/,
  );
});

test('redis follow: a stop stands until the server is another or holds less', () => {
  const facts = factsWith({ rssBytes: 430 * MiB });
  const stop = { reason: 'fragmentation', facts };
  assert.equal(stands(stop, facts), true);
  assert.equal(stands(null, facts), false);
  assert.equal(stands({ ...stop, facts: null }, facts), false);
  assert.equal(stands(stop, { ...facts, runId: 'b' }), false);
  assert.equal(stands(stop, { ...facts, maxmemoryBytes: 1 }), false);
  assert.equal(stands(stop, { ...facts, rssBytes: 300 * MiB }), false);
});
