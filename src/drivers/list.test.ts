// The list is what configuration and schema are made from.
import assert from 'node:assert/strict';
import test from 'node:test';
import { z } from 'zod';
import { DRIVERS } from './list.ts';

test('driver list: every kind has its own name, a summary and a schema that says what each option is', () => {
  assert.equal(new Set(DRIVERS.map(({ kind }) => kind)).size, DRIVERS.length);
  for (const { summary, options } of DRIVERS) {
    assert.notEqual(summary, '');
    const { properties = {} } = z.toJSONSchema(options);
    for (const [name, schema] of Object.entries(properties)) {
      assert.ok(typeof schema === 'object' && schema.description, `${name} has a description`);
    }
  }
});

test('driver list: redis opens from the options of an entry, and connects to nothing yet', () => {
  const redis = DRIVERS.find(({ kind }) => kind === 'redis');
  assert.equal(redis?.open('cache', { url: 'redis://127.0.0.1:1', forkRoom: 30 }).name, 'cache');
  for (const wrong of [
    {},
    { url: 'http://h' },
    { url: 'redis://h', forkRoom: -1 },
    { url: 'redis://h', password: 'in the open' },
    { url: 'redis://h', tls: { rejectUnauthorized: false } },
  ]) {
    assert.equal(redis?.options.safeParse(wrong).success, false, JSON.stringify(wrong));
  }
});
