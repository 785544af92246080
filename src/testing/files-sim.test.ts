// The errors of a simulated kernel.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { kernelError } from './files-sim.ts';

test('files: an error of the kernel has its code and no stack, and leaves the stacks of others alone', () => {
  const limit = Error.stackTraceLimit;
  const error = kernelError('ENOENT', '/proc/pressure/memory');
  assert.ok(error instanceof Error);
  assert.equal((error as NodeJS.ErrnoException).code, 'ENOENT');
  assert.match(error.message, /^ENOENT: no such file or directory, '\/proc\/pressure\/memory'$/);
  assert.doesNotMatch(error.stack ?? '', /\n\s+at /);
  assert.equal(Error.stackTraceLimit, limit);
  assert.match(new Error('another').stack ?? '', /\n\s+at /);
});
