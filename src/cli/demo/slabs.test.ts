// The real memory of the demo: whole slabs, kept oldest first, and read back as written.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SLAB_BYTES, Slabs } from './slabs.ts';

test('slabs: whole ones are taken and given back, and the oldest read back as written', () => {
  const slabs = new Slabs();
  slabs.resize(3.5 * SLAB_BYTES);
  assert.equal(slabs.bytes, 3 * SLAB_BYTES);
  slabs.resize(2 * SLAB_BYTES);
  slabs.resize(5 * SLAB_BYTES);
  assert.equal(slabs.bytes, 5 * SLAB_BYTES);
  assert.ok(slabs.intact(5 * SLAB_BYTES));
});

test('slabs: memory that has been given back is not intact', () => {
  const slabs = new Slabs();
  slabs.resize(4 * SLAB_BYTES);
  slabs.resize(0);
  assert.ok(!slabs.intact(4 * SLAB_BYTES));
});
