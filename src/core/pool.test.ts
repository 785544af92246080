// What the report line says of a pool, in its own unit, and when it says nothing.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MiB } from './bytes.ts';
import { type Pool, sayShort } from './pool.ts';

const pool: Pool = {
  name: 'dentry hash',
  owner: 'kernel',
  unit: 'entries',
  now: 4096,
  ifStartedNow: { amount: 8192, exact: false },
  shortBy: 4096,
  fixedBy: 'its start',
  changes: 'reboot',
  mend: 'Reboot.',
  reserve: 'Boot with dhash_entries=N.',
};

test('pool: it is short in its own unit', () => {
  assert.equal(sayShort(pool), 'dentry hash 4096 entries, 4096 entries short (its start)');
  const bytes: Pool = { ...pool, name: 'tmpfs', unit: 'bytes', now: 64 * MiB, shortBy: MiB };
  assert.equal(sayShort(bytes), 'tmpfs 64 MiB, 1 MiB short (its start)');
});

test('pool: what is not known, or is within a hundredth of itself, is not called short', () => {
  for (const over of [{ now: null }, { shortBy: null }, { shortBy: 0 }, { shortBy: 40 }]) {
    assert.equal(sayShort({ ...pool, ...over }), null);
  }
});
