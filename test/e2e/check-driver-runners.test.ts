// The driver checks as an author runs them: the package as it is built, in a project of its own, under
// node:test, vitest and jest. Each has to pass an honest driver, and to fail a wrong one in the kit's words.
import assert from 'node:assert/strict';
import { cpSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { before, type TestContext } from 'node:test';
import { checkDriver } from '../../src/testing/check-driver.ts';
import { authorProject, buildPackage, runIn } from '../author-project.ts';
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

before(buildPackage);

/** A project with the built package installed, and the runners beside it. */
function project(t: TestContext): string {
  const folder = authorProject(t, ['vitest', 'jest', '@jest']);
  cpSync(join(ROOT, 'examples/runners'), folder, { recursive: true });
  return folder;
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
