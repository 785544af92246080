// What is in use beside the drivers, and for how long room has been missing.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { HighestOf, heldTogether, Unmanaged } from './room.ts';

const MINUTE_MS = 60_000;

test('unmanaged: the highest of the last 10 minutes counts, and older ones are forgotten (P3)', () => {
  const window = new HighestOf();
  window.add(0, 50);
  window.add(MINUTE_MS, 90);
  window.add(2 * MINUTE_MS, 40);
  assert.equal(window.highest(2 * MINUTE_MS), 90);
  window.add(11.5 * MINUTE_MS, 10);
  assert.equal(window.highest(11.5 * MINUTE_MS), 40);
  assert.equal(window.highest(60 * MINUTE_MS), 10);
});

test('unmanaged: it is used less what drivers hold, and never below 0', () => {
  const unmanaged = new Unmanaged();
  unmanaged.sample(0, '/app', 100, 30);
  unmanaged.sample(1, '/app', 20, 30);
  assert.equal(unmanaged.at(1, '/app'), 70);
  assert.equal(unmanaged.at(1, 'machine'), 0);
});

test('unmanaged: room must be missing for 60 s without a break before it presses (P3)', () => {
  const unmanaged = new Unmanaged();
  assert.equal(unmanaged.missing(0, true), false);
  assert.equal(unmanaged.missing(59_000, true), false);
  assert.equal(unmanaged.missing(59_500, false), false);
  assert.equal(unmanaged.missing(60_000, true), false);
  assert.equal(unmanaged.missing(120_000, true), true);
});

test('held: drivers inside one process hold at most what that process holds (P3)', () => {
  const drivers = [
    { heldBytes: 100, process: 'self' },
    { heldBytes: 80, process: 'self' },
    { heldBytes: 7, process: null },
  ];
  assert.equal(
    heldTogether(drivers, () => 120),
    127,
  );
  assert.equal(
    heldTogether(drivers, () => null),
    187,
  );
});
