// When a driver is left alone because somebody else has set it.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { standingOf } from './drift.ts';
import type { DriverState } from './driver.ts';

const state = (value: string, instance = 'run1') =>
  ({ settings: [{ name: 'maxmemory', value, live: true }], instance }) as unknown as DriverState;
const lastSet = { settings: [{ name: 'maxmemory', value: '100', live: true }], instance: 'run1' };
const remembered = { lastSet, interrupted: false };
const report = { repair: false, onDrift: 'report' } as const;

test('drift: settings as hotadd last set them may be resized (E3)', () => {
  assert.equal(standingOf(state('100'), remembered, report), null);
});

test('drift: a server that restarted is set again (E3)', () => {
  assert.equal(standingOf(state('7', 'run2'), remembered, report), null);
});

test('drift: what was never set by hotadd is adopted until the next change (E3)', () => {
  assert.match(standingOf(state('7'), null, { ...report, repair: true }) ?? '', /left as found/);
  assert.equal(standingOf(state('7'), null, report), null);
});

test('drift: what somebody else set is reported and left alone, or reasserted when configured (E3)', () => {
  assert.match(standingOf(state('7'), remembered, report) ?? '', /drift: maxmemory is 7, hotadd had set 100/);
  assert.equal(standingOf(state('7'), remembered, { ...report, onDrift: 'reassert' }), null);
});

test('drift: after an interrupted write what differs is taken for our own (E3)', () => {
  assert.equal(standingOf(state('55'), { lastSet, interrupted: true }, { ...report, repair: true }), null);
});
