// Importing costs nothing: no module of Node, no package and few files are loaded, and nothing is started.
// What it takes in milliseconds is bench/import.bench.ts.
import assert from 'node:assert/strict';
import { cpSync } from 'node:fs';
import { join } from 'node:path';
import { before, type TestContext, test } from 'node:test';
import { authorProject, buildPackage, runIn } from '../author-project.ts';
import { ROOT } from '../repository.ts';

/** Each file costs about 0.2 ms. */
const FILES_MOST = 16;

before(buildPackage);

async function imported(t: TestContext, ...args: string[]) {
  const folder = authorProject(t, ['koffi']);
  cpSync(join(ROOT, 'test/e2e/author'), folder, { recursive: true });
  const { code, said } = await runIn(folder, ['import.js', ...args]);
  assert.equal(code, 0, said);
  return JSON.parse(said) as Record<'outside' | 'before' | 'active' | 'later' | 'required', string[]> & {
    files: number;
  };
}

test('import: hotadd loads a few files of its own, and starts nothing', async (t) => {
  const { files, outside, before: atFirst, active, required } = await imported(t, 'hotadd');
  // Without a module of Node it can neither read a file nor open a socket.
  assert.deepEqual([outside, required], [[], []]);
  assert.ok(files > 1 && files <= FILES_MOST, `${files} files`);
  assert.deepEqual(active, atFirst);
});

test('import: what opening needs is loaded by openPartition(), koffi by the first uevents', async (t) => {
  const { later, required } = await imported(t, 'hotadd', 'open');
  assert.ok(later.includes('node:fs') && later.includes('node:net'), later.join(' '));
  assert.ok(process.platform !== 'linux' || required.some((path) => /koffi/.test(path)), required.join(' '));
});

test('import: hotadd/testing reads no file, and starts nothing', async (t) => {
  const { outside, before: atFirst, active, required } = await imported(t, 'hotadd/testing');
  assert.deepEqual([outside, required], [[], []]);
  assert.deepEqual(active, atFirst);
});
