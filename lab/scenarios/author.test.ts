// What docs/guides/lab.md promises to the author of any software: the test of the guide fails for a program
// that reads the amount of memory once, and passes for the one that follows.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { needsLab } from './guest.ts';

const EXAMPLE = fileURLToPath(new URL('../../examples/lab/', import.meta.url));

function runGuide(program: string): { status: number | null; said: string } {
  // A test inside a test: node:test would take its output for its own.
  const { NODE_TEST_CONTEXT: _, ...env } = process.env;
  const { status, stdout, stderr } = spawnSync(process.execPath, ['--test', 'hot-add.test.js'], {
    cwd: EXAMPLE,
    env: { ...env, PROGRAM: program },
    encoding: 'utf8',
  });
  return { status, said: `${stdout}${stderr}` };
}

test('guide: a program that reads the amount once fails the test, with what it stays at', needsLab, () => {
  const { status, said } = runGuide('cache-once.js');
  assert.equal(status, 1, said);
  assert.match(said, /not within 5000 ms: the cache has at least doubled; last: "\d+"/);
});

test('guide: a program that follows with hotadd passes it', needsLab, () => {
  const { status, said } = runGuide('cache-follows.js');
  assert.equal(status, 0, said);
});
