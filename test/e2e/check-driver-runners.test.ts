// The driver checks as an author runs them: the package as it is built, in a project of its own, under
// node:test, vitest and jest. Each has to pass an honest driver, and to fail a wrong one in the kit's words.
import assert from 'node:assert/strict';
import { execFile, execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { before, type TestContext } from 'node:test';
import { checkDriver } from '../../src/testing/check-driver.ts';
import { ROOT } from '../repository.ts';

const CHECKS = checkDriver(() => assert.fail('is not run'), { smallBytes: 2 ** 20, largeBytes: 2 ** 24 });

interface Runner {
  readonly name: string;
  readonly command: readonly string[];
  /** What it says when so many have passed and so many have failed. */
  readonly says: (passed: number, failed: number) => RegExp;
}

const RUNNERS: readonly Runner[] = [
  {
    name: 'node:test',
    command: ['--test', '--test-reporter=tap', 'node.test.js'],
    says: (passed, failed) => new RegExp(`# pass ${passed}\\n# fail ${failed}\\n`),
  },
  {
    name: 'vitest',
    command: ['node_modules/vitest/vitest.mjs', 'run', 'vitest.test.js'],
    says: (passed, failed) =>
      new RegExp(
        `Tests +${failed > 0 ? `${failed} failed \\| ` : ''}${passed} passed \\(${passed + failed}\\)`,
      ),
  },
  {
    name: 'jest',
    command: ['--experimental-vm-modules', 'node_modules/jest/bin/jest.js', 'jest.test.js'],
    says: (passed, failed) =>
      new RegExp(
        `Tests: +${failed > 0 ? `${failed} failed, ` : ''}${passed} passed, ${passed + failed} total`,
      ),
  },
];

/** A driver that takes its refusal back: what is below its floor it takes. */
const WRONG = `import { makeDriver as makeHonest, options } from './honest.js';
export { options };
export async function makeDriver() {
  const driver = makeHonest();
  const { resize } = driver;
  driver.resize = (target, context) => resize(target, context).catch(() => []);
  return driver;
}
`;

before(() => {
  execFileSync(join(ROOT, 'node_modules/.bin/tsc'), ['-b', 'src', 'src/testing'], { cwd: ROOT });
});

/** A project with the built package installed, and the runners beside it. */
function project(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'hotadd-author-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  cpSync(join(ROOT, 'examples/runners'), folder, { recursive: true });
  writeFileSync(join(folder, 'package.json'), '{ "name": "author", "type": "module", "private": true }\n');
  mkdirSync(join(folder, 'node_modules/hotadd'), { recursive: true });
  for (const part of ['package.json', 'dist'])
    cpSync(join(ROOT, part), join(folder, 'node_modules/hotadd', part), { recursive: true });
  for (const name of ['vitest', 'jest', '@jest'])
    symlinkSync(join(ROOT, 'node_modules', name), join(folder, 'node_modules', name));
  return folder;
}

function runIn(cwd: string, command: readonly string[]): Promise<{ code: number; said: string }> {
  const { NODE_TEST_CONTEXT: _ours, ...env } = process.env;
  return new Promise((resolve) => {
    const options = { cwd, env: { ...env, CI: 'true', NO_COLOR: '1' } };
    execFile(process.execPath, command, options, (error, stdout, stderr) => {
      resolve({ code: Number(error?.code ?? 0), said: `${stdout}${stderr}` });
    });
  });
}

for (const { name, command, says } of RUNNERS) {
  test(`checkDriver under ${name}: passes an honest driver`, async (t) => {
    const { code, said } = await runIn(project(t), command);
    assert.match(said, says(CHECKS.length, 0), said);
    assert.equal(code, 0);
  });

  test(`checkDriver under ${name}: fails a wrong driver, and says what to mend`, async (t) => {
    const folder = project(t);
    cpSync(join(folder, 'pictures.js'), join(folder, 'honest.js'));
    writeFileSync(join(folder, 'pictures.js'), WRONG);
    const { code, said } = await runIn(folder, command);
    assert.match(said, /pictures: takes it when asked for less than its floor of \d+; throw a Refusal/);
    assert.match(said, says(CHECKS.length - 3, 3), said);
    assert.notEqual(code, 0);
  });
}
