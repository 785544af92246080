// The help of every command, as people read it. Written anew like the other expected texts: see
// memory.test.ts.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { before, describe, test } from 'node:test';
import { COMMANDS } from '../../src/cli/commands.ts';
import { readJson } from '../repository.ts';
import { ownFolder, type Ran, runMany } from './cli-process.ts';

const asText = { serializers: [(value: unknown) => String(value)] };
const NAMES = ['hotadd', ...COMMANDS.map(({ name }) => name)];

describe('golden: help', () => {
  const home = ownFolder();
  let ran: Ran[] = [];
  let asHelp: Ran[] = [];

  before(async () => {
    const names = COMMANDS.map(({ name }) => name);
    ran = await runMany([['--help'], ...names.map((name) => [name, '--help'])], { home });
    asHelp = await runMany([['help'], ...names.map((name) => ['help', name])], { home });
  });

  for (const [index, name] of NAMES.entries()) {
    test(`golden: help of ${name} reads as expected, within 80 columns`, (t) => {
      const one = ran[index];
      assert.ok(one);
      assert.deepEqual({ code: one.code, stderr: one.stderr }, { code: 0, stderr: '' });
      for (const line of one.stdout.split('\n')) assert.ok(line.length <= 80, line);
      t.assert.fileSnapshot(one.stdout, join(import.meta.dirname, `expected/help-${name}.txt`), asText);
    });

    test(`help: hotadd help ${index === 0 ? '' : name} says the same`, () => {
      assert.equal(asHelp[index]?.stdout, ran[index]?.stdout);
    });
  }

  test('help: every command has an example that begins with its own name', () => {
    for (const { name, examples } of COMMANDS) {
      assert.ok(examples.length > 0, name);
      for (const example of examples) assert.equal(example.split(' ')[0], name);
    }
  });

  test('help: --version is that of the package', async () => {
    const [one] = await runMany([['--version']], { home });
    assert.equal(one?.stdout.trim(), (readJson('package.json') as { version: string }).version);
  });

  test('help: without a word the help is on stderr, and the exit code is 2', async () => {
    const [one] = await runMany([[]], { home });
    assert.equal(one?.code, 2);
    assert.equal(one?.stdout, '');
    assert.match(one?.stderr ?? '', /^Usage: hotadd <command>/);
  });
});
