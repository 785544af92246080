// The published schema is the one that is checked with.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { parse } from 'yaml';
import { DRIVERS } from '../drivers/list.ts';
import { configSchema, driverKeys, publishedSchema } from './config-schema.ts';

const SCHEMA = new URL('../../schema/hotadd.schema.json', import.meta.url);
const EXAMPLE = new URL('../../examples/hotadd.yaml', import.meta.url);

test('schema: the published file is up to date; node scripts/write-schema.ts writes it', async () => {
  assert.deepEqual(JSON.parse(await readFile(SCHEMA, 'utf8')), publishedSchema(DRIVERS));
});

test('schema: unknown keys are refused by editors too, at every level (E9)', () => {
  const open: string[] = [];
  const look = (node: unknown, path: string): void => {
    if (typeof node !== 'object' || node === null) return;
    if ('type' in node && node.type === 'object' && !('additionalProperties' in node)) open.push(path);
    for (const [key, inner] of Object.entries(node)) look(inner, `${path}/${key}`);
  };
  look(publishedSchema(DRIVERS), '');
  assert.deepEqual(open, []);
});

test('schema: every key has a description for the editor to show', () => {
  const bare: string[] = [];
  const look = (node: unknown, path: string): void => {
    if (typeof node !== 'object' || node === null) return;
    const { properties = {} } = node as { properties?: Record<string, { description?: string }> };
    for (const [key, { description }] of Object.entries(properties)) {
      if (!description) bare.push(`${path}/${key}`);
    }
    for (const [key, inner] of Object.entries(node)) look(inner, `${path}/${key}`);
  };
  look(publishedSchema(DRIVERS), '');
  assert.deepEqual(bare, []);
});

test('schema: no kind of driver takes a key that every driver has', () => {
  for (const { kind, options } of DRIVERS) {
    const taken = Object.keys(options.shape).filter((key) => key in driverKeys || key === 'driver');
    assert.deepEqual(taken, [], kind);
  }
});

test('schema: the example is valid', async () => {
  const checked = configSchema(DRIVERS).safeParse(parse(await readFile(EXAMPLE, 'utf8')));
  assert.deepEqual(checked.error?.issues ?? [], []);
});
