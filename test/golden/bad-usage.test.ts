// Bad command lines and bad configurations (E4): one clear error with the place and the mend, exit code 2,
// and nothing opened: no folder, no socket, no file.
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, describe, test } from 'node:test';
import { SCENARIO_NAMES } from '../../src/cli/demo/scenario-names.ts';
import { brokenConfigs, isExpected } from '../fixtures/broken-configs/list.ts';
import { MACHINES, ownFolder, type Ran, runEach, runMany } from './cli-process.ts';

const TREE = `${MACHINES}/x86_64-4g-numa-movable`;
const SEE = (command: string) => `see hotadd ${command} --help`;
const PARTITIONS = 'write machine, self, cgroup:/path, pid:N or unit:NAME';

/** The words, and the whole of stderr after `hotadd: `. */
const BAD: readonly [words: string, says: string][] = [
  ['memroy', "unknown command 'memroy'; did you mean memory?"],
  ['shrink', "unknown command 'shrink'; see hotadd --help"],
  ['help nothing', 'there is no such command; see hotadd --help'],
  ['--jsno', "unknown option '--jsno'; see hotadd --help"],
  ['memory --jsno', "memory: unknown option '--jsno'; did you mean --json?"],
  ['memory --quickly', `memory: unknown option '--quickly'; ${SEE('memory')}`],
  ['memory now', `memory: too many arguments for 'memory'. Expected 0 arguments but got 1; ${SEE('memory')}`],
  ['memory --root', `memory: option '--root <folder>' argument missing; ${SEE('memory')}`],
  ['memory --root=', '--root: is empty; write a value after it'],
  [
    'memory --root no/such/folder',
    '--root: there is no folder no/such/folder; name a folder that holds proc and sys of a machine',
  ],
  [
    'memory --root README.md',
    '--root: there is no folder README.md; name a folder that holds proc and sys of a machine',
  ],
  ['memory --partition everything', `"everything" names no partition; ${PARTITIONS}`],
  ['memory --partition pid:none', '"pid:none" holds no process number; write it in digits, such as pid:1234'],
  [
    'watch --partition cgroup:app',
    '"cgroup:app" holds no path of a cgroup; write it from the top and without dots, such as ' +
      'cgroup:/system.slice/redis.service',
  ],
  [
    'run',
    'configuration: there is none; looked for hotadd.yaml and INSTALLED; write one, or name it with --config',
  ],
  ['run --config', `run: option '--config <file>' argument missing; ${SEE('run')}`],
  [
    'run --config no-such.yaml',
    'no-such.yaml: there is no such file; write one, or name another with --config',
  ],
  ['plan --config src', 'src: is a folder; name a regular file'],
  [
    'plan --memory 10%',
    '--memory: "10%" is not an amount of memory; a share of what? write bytes, such as 512MiB',
  ],
  ['status --watch', `status: unknown option '--watch'; ${SEE('status')}`],
  ['history --limit 0', '--limit: "0" is not a count; write a whole number from 1 on, such as 20'],
  ['history --limit ten', '--limit: "ten" is not a count; write a whole number from 1 on, such as 20'],
  ['resize', `resize: missing required argument 'bytes'; ${SEE('resize')}`],
  ['resize 50%', '<bytes>: "50%" is not an amount of memory; a share of what? write bytes, such as 512MiB'],
  ['resize 512MB', '<bytes>: "512MB" is not an amount of memory; write 512MiB (1024-based)'],
  [
    'resize much',
    '<bytes>: "much" is not an amount of memory; write a number with KiB, MiB, GiB or TiB, such as 512MiB',
  ],
  [
    'resize -- -1GiB',
    '<bytes>: "-1GiB" is not an amount of memory; write a number with KiB, MiB, GiB or TiB, such as 512MiB',
  ],
  [
    'resize 100',
    '<bytes>: "100" is less than a page of 4096 bytes; write the whole limit as it is to be, such as 512MiB',
  ],
  [
    'resize 99999999TiB',
    '<bytes>: "99999999TiB" is not an amount of memory; write a number with KiB, MiB, GiB or TiB, ' +
      'such as 512MiB',
  ],
  [
    'demo --scenario pagee',
    `--scenario: there is no scenario "pagee"; did you mean page? there are ${SCENARIO_NAMES.join(', ')}`,
  ],
  [
    'demo --scenario everything',
    `--scenario: there is no scenario "everything"; there are ${SCENARIO_NAMES.join(', ')}`,
  ],
  ['demo --seed -1', '--seed: "-1" is not a whole number from 0 on; write up to 15 digits, such as 7'],
  ['demo --seed 1.5', '--seed: "1.5" is not a whole number from 0 on; write up to 15 digits, such as 7'],
  ['release', `release: missing required argument 'driver'; ${SEE('release')}`],
  [
    'release one two',
    `release: too many arguments for 'release'. Expected 1 argument but got 2; ${SEE('release')}`,
  ],
];

/** Where an agent would make something, given or not. */
const DEFAULT_FOLDERS = ['/var/lib/hotadd', '/run/hotadd'];

function traces(home: string): unknown {
  const made = DEFAULT_FOLDERS.map((path) => (existsSync(path) ? statSync(path).mtimeMs : null));
  return { home: readdirSync(home, { recursive: true }), made };
}

function oneError({ code, stdout, stderr }: Ran): string {
  assert.equal(code, 2, stderr);
  assert.equal(stdout, '');
  assert.match(stderr, /^hotadd: [^\n]+\n$/, 'one error, on one line');
  return stderr.slice('hotadd: '.length, -1);
}

describe('bad command lines', () => {
  const home = ownFolder();
  let ran: Ran[] = [];
  let ranJson: Ran[] = [];
  let before1: unknown;

  before(async () => {
    before1 = traces(home);
    const lines = BAD.map(([words]) => words.split(' '));
    ran = await runEach(lines, { home });
    ranJson = await runMany(
      lines.map((words) => [words[0] ?? '', '--json', ...words.slice(1)]),
      { home },
    );
  });

  const installed =
    process.getuid?.() === 0 ? '/etc/hotadd/hotadd.yaml' : join(home, 'hotadd', 'hotadd.yaml');
  for (const [index, [words, says]] of BAD.entries()) {
    test(`bad usage: hotadd ${words}: one clear error, exit 2 (E4)`, () => {
      const one = ran[index];
      assert.ok(one);
      assert.equal(oneError(one), says.replace('INSTALLED', installed));
    });
  }

  test('bad usage: with --json stdout has the same error as an object', () => {
    const commands = BAD.flatMap(([words], index) =>
      /^(?:-|help|memroy|shrink)/.test(words) ? [] : [index],
    );
    assert.ok(commands.length > 20);
    for (const index of commands) {
      const [one, plain] = [ranJson[index], ran[index]];
      assert.ok(one && plain);
      assert.equal(one.code, 2);
      assert.equal(one.stderr, plain.stderr);
      const said = JSON.parse(one.stdout) as { schema: string; v: number; error: Record<string, string> };
      assert.deepEqual([said.schema, said.v], ['hotadd.error/1', 1]);
      assert.equal(`hotadd: ${said.error.message}\n`, plain.stderr);
      assert.match(said.error.code ?? '', /^HOTADD_BAD_(?:USAGE|AMOUNT|CONFIG)$/);
    }
  });

  test('bad usage: nothing was opened or made', () => assert.deepEqual(traces(home), before1));

  test('bad usage: a stack trace is shown only when HOTADD_DEBUG=1 asks for it', () => {
    for (const { stderr } of ran) assert.doesNotMatch(stderr, /\n +at /);
  });

  test('bad usage: a good command line is no error, so these errors mean something', async () => {
    const [good] = await runEach([['memory', '--root', TREE]], { home });
    assert.equal(good?.code, 0);
  });
});

describe('broken configurations', () => {
  const home = ownFolder();
  const broken = brokenConfigs();
  let byRun: Ran[] = [];
  let byPlan: Ran[] = [];
  let before1: unknown;

  before(async () => {
    before1 = traces(home);
    const lines = (command: string) => broken.map(({ path }) => [command, '--config', path]);
    byRun = await runMany(lines('run'), { home });
    byPlan = await runMany(lines('plan'), { home });
  });

  for (const [index, each] of broken.entries()) {
    test(`bad usage: run and plan with ${each.name}.yaml say one error with its place, exit 2 (E4)`, () => {
      for (const one of [byRun[index], byPlan[index]]) {
        assert.ok(one);
        const said = oneError(one);
        assert.ok(isExpected(each, said), `${said}\nis not\n${each.path}:${each.expect}`);
      }
    });
  }

  test('bad usage: command lines and configurations are 60 or more', () => {
    assert.ok(BAD.length >= 15);
    assert.ok(BAD.length + broken.length >= 60);
  });

  test('bad usage: as processes of their own they say and return the same', async () => {
    const some = broken.map((_, index) => index).filter((index) => index % 20 === 0);
    const ran = await runEach(
      some.map((index) => ['run', '--config', broken[index]?.path ?? '']),
      { home },
    );
    assert.deepEqual(
      ran,
      some.map((index) => byRun[index]),
    );
  });

  test('bad usage: several problems in one file are told together, as one error', async () => {
    const folder = ownFolder();
    mkdirSync(folder, { recursive: true });
    const path = join(folder, 'hotadd.yaml');
    writeFileSync(path, 'version: 1\naply: true\npartition: everything\n', { mode: 0o600 });
    const [text, json] = await runMany(
      [
        ['plan', '--config', path],
        ['plan', '--config', path, '--json'],
      ],
      { home },
    );
    assert.equal(text?.code, 2);
    assert.equal(text?.stderr.match(/^hotadd: /gm)?.length, 1);
    assert.equal(text?.stderr.trimEnd().split('\n').length, 2);
    const said = JSON.parse(json?.stdout ?? '') as { error: { problems: { line: number }[] } };
    assert.deepEqual(
      said.error.problems.map(({ line }) => line),
      [2, 3],
    );
  });

  test('bad usage: nothing was opened or made by any of them', () => assert.deepEqual(traces(home), before1));
});
