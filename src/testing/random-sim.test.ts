// Chance that can be repeated: one seed is one sequence, and no share of it is favoured.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RandomSim } from './random-sim.ts';

function draw(seed: number, count = 1000): number[] {
  const random = new RandomSim(seed);
  return Array.from({ length: count }, () => random.next());
}

test('random: one seed is one sequence, and another seed another', () => {
  assert.deepEqual(draw(7), draw(7));
  for (const other of [8, 0, -7, 7 + 2 ** 32]) assert.notDeepEqual(draw(7, 10), draw(other, 10), `${other}`);
});

test('random: neighbouring seeds have nothing in common', () => {
  const first = new Set(Array.from({ length: 1000 }, (_, seed) => draw(seed, 1)[0]));
  assert.equal(first.size, 1000);
  const mean = [...first].reduce<number>((sum, each) => sum + (each ?? 0), 0) / 1000;
  assert.ok(Math.abs(mean - 0.5) < 0.05, `${mean}`);
});

test('random: every tenth of the range is drawn about as often', () => {
  const tenths = new Array<number>(10).fill(0);
  for (const value of draw(3, 100_000)) {
    assert.ok(value >= 0 && value < 1);
    tenths[Math.floor(value * 10)] = (tenths[Math.floor(value * 10)] ?? 0) + 1;
  }
  // 10,000 each, with a standard deviation of 95.
  for (const count of tenths) assert.ok(Math.abs(count - 10_000) < 500, tenths.join(' '));
});

test('random: between gives both ends and nothing beyond', () => {
  const random = new RandomSim(1);
  const drawn = new Set(Array.from({ length: 1000 }, () => random.between(-2, 2)));
  assert.deepEqual(
    [...drawn].sort((one, other) => one - other),
    [-2, -1, 0, 1, 2],
  );
  assert.equal(random.between(5, 5), 5);
});

test('random: chance is true in about its share, never at 0 and always at 1', () => {
  const random = new RandomSim(1);
  const hits = (share: number) => Array.from({ length: 10_000 }, () => random.chance(share)).filter(Boolean);
  assert.deepEqual([hits(0).length, hits(1).length], [0, 10_000]);
  assert.ok(Math.abs(hits(0.25).length - 2500) < 250);
});

test('random: pick takes each of a list, and from none it throws', () => {
  const random = new RandomSim(1);
  const picked = new Set(Array.from({ length: 100 }, () => random.pick(['a', 'b', 'c'])));
  assert.deepEqual([...picked].sort(), ['a', 'b', 'c']);
  assert.throws(() => random.pick([]), RangeError);
});
