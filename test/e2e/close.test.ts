// A clean shutdown on the real machine: after close(), and after opening that has failed, a process has no
// active resource and no open file that it had not before, and ends by itself.
import assert from 'node:assert/strict';
import { cpSync } from 'node:fs';
import { join } from 'node:path';
import { before, test } from 'node:test';
import { MiB } from '../../src/core/bytes.ts';
import { authorProject, buildPackage, runIn } from '../author-project.ts';
import { makeCgroup, noCgroup } from '../real-cgroup.ts';
import { ROOT } from '../repository.ts';

before(buildPackage);

const CASES = {
  quiet: 'closed',
  'in the middle of a change': 'closed',
  'while a driver hangs': 'closed',
  'from inside a listener': 'closed',
  'there is no partition': 'HOTADD_NO_PARTITION',
  'another planner applies': 'HOTADD_BUSY',
  'the journal cannot be opened': 'no disk',
};

for (const koffi of [true, false])
  for (const [name, expected] of Object.entries(CASES))
    test(`close: ${name}, ${koffi ? 'with' : 'without'} koffi: nothing is left`, {
      skip: noCgroup,
    }, async (t) => {
      const folder = authorProject(t, koffi ? ['koffi'] : []);
      cpSync(join(ROOT, 'test/e2e/author'), folder, { recursive: true });
      const group = makeCgroup(t, 256 * MiB);
      const args = ['close.js', name, `cgroup:${group.path}`, group.limitFile];
      const { code, said } = await runIn(folder, args);
      assert.equal(code, 0, said);
      const { before: atFirst, after, said: how } = JSON.parse(said);
      assert.equal(how, expected);
      assert.deepEqual(after, atFirst);
    });
