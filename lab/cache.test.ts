// What is made once: whole, or not there.
import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { makeOnce } from './cache.ts';

test('cache: what fails half-way leaves nothing behind, and is made the next time', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'hotadd-lab-cache-'));
  const before = process.env.HOTADD_LAB_CACHE;
  process.env.HOTADD_LAB_CACHE = folder;
  t.after(() => {
    if (before === undefined) delete process.env.HOTADD_LAB_CACHE;
    else process.env.HOTADD_LAB_CACHE = before;
    rmSync(folder, { recursive: true, force: true });
  });
  const half = makeOnce('state-1', async (into) => {
    writeFileSync(into, 'half');
    throw new Error('no room');
  });
  await assert.rejects(half, /no room/);
  assert.deepEqual(readdirSync(folder), []);
  const path = await makeOnce('state-1', async (into) => writeFileSync(into, 'whole'));
  assert.deepEqual(readdirSync(folder), ['state-1']);
  assert.equal(path, join(folder, 'state-1'));
});
