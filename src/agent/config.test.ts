// hotadd.yaml: read, checked whole, and every mistake said with its place and its mend (E4, E9).
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { brokenConfigs, isExpected } from '../../test/fixtures/broken-configs/list.ts';
import { messageOf } from '../core/errors.ts';
import { DRIVERS, type DriverKind } from '../drivers/list.ts';
import { ConfigError, defaultRunFolder, defaultStateFolder, parseConfig, readConfig } from './config.ts';

const AROUND = { user: 1000, env: { HOME: '/home/me' }, tempFolder: '/tmp' };
const EXAMPLE = fileURLToPath(new URL('../../examples/hotadd.yaml', import.meta.url));
const KIND: DriverKind = {
  kind: 'cache',
  summary: 'A cache for this test',
  options: z.strictObject({ size: z.number().optional(), passwordFile: z.string().optional() }),
  open: () => {
    throw new Error('the configuration opens nothing');
  },
};

const parse = (text: string, kinds = [KIND]) => parseConfig(Buffer.from(text), 'hotadd.yaml', kinds, AROUND);

function errorOf(text: string, kinds = [KIND]): ConfigError {
  try {
    parse(text, kinds);
  } catch (thrown) {
    if (thrown instanceof ConfigError) return thrown;
    throw thrown;
  }
  throw new assert.AssertionError({ message: 'the configuration was taken' });
}

test('config: only the version is needed; everything else has a default, and nothing is applied', () => {
  assert.deepEqual(parse('version: 1\n'), {
    version: 1,
    partition: 'machine',
    apply: false,
    online: 'off',
    reserve: null,
    stateFolder: '/home/me/.local/state/hotadd',
    runFolder: '/tmp/hotadd-1000',
    onDrift: 'report',
    drivers: [],
  });
});

test('config: amounts are bytes or shares, drivers keep their order, onDrift is inherited (P2)', () => {
  const config = parse(`\uFEFFversion: 1
partition: unit:redis.service
apply: true
online: online_movable
reserve: 1.5GiB
state: /srv/state
run: /srv/run
onDrift: reassert
drivers:
  - { name: b, driver: cache, size: 3, min: 512MiB, max: 40% }
  - { driver: cache, name: a, weight: 0.5, max: 1073741824, onDrift: report, passwordFile: /etc/x }
`);
  assert.deepEqual(config, {
    version: 1,
    partition: 'unit:redis.service',
    apply: true,
    online: 'online_movable',
    reserve: 1.5 * 1024 ** 3,
    stateFolder: '/srv/state',
    runFolder: '/srv/run',
    onDrift: 'reassert',
    drivers: [
      {
        name: 'b',
        kind: 'cache',
        policy: { weight: 1, min: 512 * 1024 ** 2, max: { percent: 40 }, onDrift: 'reassert' },
        options: { size: 3 },
      },
      {
        name: 'a',
        kind: 'cache',
        policy: { weight: 0.5, max: 1024 ** 3, onDrift: 'report' },
        options: { passwordFile: '/etc/x' },
      },
    ],
  });
});

test('config: a share and an amount are not compared before usable memory is known', () => {
  assert.equal(
    parse('version: 1\ndrivers: [{name: a, driver: cache, min: 2GiB, max: 10%}]').drivers.length,
    1,
  );
});

test('config: the example is read, and its kinds of driver are known', async () => {
  const config = await readConfig(EXAMPLE);
  assert.ok(config.drivers.length > 0);
  for (const { kind, name, options } of config.drivers) {
    const known = DRIVERS.find((each) => each.kind === kind);
    assert.equal(known?.open(name, options).name, name);
  }
});

const broken = brokenConfigs();

test('config: there are enough broken configurations to trust the next tests', () => {
  assert.ok(broken.length >= 90, `${broken.length}`);
});

for (const each of broken) {
  test(`config: ${each.name} gets one clear error, with its place and the mend (E4)`, async () => {
    const error = await readConfig(each.path).catch((thrown: unknown) => thrown);
    assert.ok(error instanceof ConfigError, messageOf(error));
    assert.equal(error.code, 'HOTADD_BAD_CONFIG');
    if (!isExpected(each, error.message)) assert.equal(error.message, `${each.path}:${each.expect}`);
    assert.equal(error.problems.length, 1);
  });
}

test('config: several mistakes are all told, in the order of the file (E4)', () => {
  const error = errorOf(`version: 1
aply: true
drivers:
  - name: one
    driver: cache
    weight: 0
  - name: two
    driver: cahce
  - driver: cache
    name: two
    siez: 7
online: maybe
`);
  assert.deepEqual(error.message.split('\n'), [
    'hotadd.yaml:2:1: aply: is not a known setting; did you mean apply?',
    'hotadd.yaml:6:13: drivers[0].weight: must be more than 0; write a number such as 2',
    'hotadd.yaml:8:13: drivers[1].driver: is not a kind of driver; did you mean cache?',
    'hotadd.yaml:11:5: drivers[2].siez: is not a known setting; did you mean size?',
    'hotadd.yaml:12:9: online: must be one of off, online, online_kernel, online_movable; choose one of them',
  ]);
  assert.equal(error.place, 'hotadd.yaml:2:1');
  assert.equal(error.mend, 'did you mean apply?');
  assert.equal(error.problems.length, 5);
});

test('config: a secret in the wrong place is not repeated in the error (E7)', () => {
  for (const line of [
    'password: hunter2',
    'size: hunter2',
    'Password: [hunter2]',
    'passwordFile: {a: hunter2}',
  ]) {
    const { message } = errorOf(`version: 1\ndrivers:\n  - name: a\n    driver: cache\n    ${line}\n`);
    assert.doesNotMatch(message, /hunter2/);
  }
  for (const address of ['redis://me:hunter2@db', 'redis://:hunter2@db:6379/0', 'x+y://u:hun/ter2@db']) {
    const { message } = errorOf(
      `version: 1\ndrivers:\n  - name: a\n    driver: cache\n    size: ${address}\n`,
    );
    assert.match(message, /^hotadd\.yaml:5:11: drivers\[0\]\.size: holds a password;/);
    assert.doesNotMatch(message, /hunter2|ter2/);
  }
});

test('config: a rule of a kind over several of its options is checked and placed', () => {
  const options = z
    .strictObject({ low: z.number(), high: z.number() })
    .refine(({ low, high }) => low <= high, { path: ['low'], message: 'must not be more than high' });
  const text = 'version: 1\ndrivers:\n  - name: a\n    driver: cache\n    low: 2\n    high: 1\n';
  assert.equal(
    errorOf(text, [{ ...KIND, options }]).message,
    'hotadd.yaml:5:10: drivers[0].low: must not be more than high; see the reference of this driver',
  );
});

test('config: text that nobody would write ends in an error and not in a crash (E4)', () => {
  const many = Array.from({ length: 20_000 }, (_, index) => `key${index}: 1`).join('\n');
  for (const text of [
    '['.repeat(50_000),
    '{a: '.repeat(20_000),
    '- '.repeat(50_000),
    many,
    '%',
    '---',
    '? ',
    '!!',
  ]) {
    assert.equal(errorOf(text).code, 'HOTADD_BAD_CONFIG');
  }
});

test('config: a file cut or changed at any byte is taken or is a readable error (E4)', () => {
  const whole = Buffer.from(`version: 1\nreserve: 20%\ndrivers:\n  - {name: a, driver: cache, size: 1}\n`);
  const attempt = (bytes: Uint8Array) => {
    try {
      parseConfig(bytes, 'hotadd.yaml', [KIND], AROUND);
    } catch (thrown) {
      assert.ok(thrown instanceof ConfigError, `${JSON.stringify(Buffer.from(bytes).toString())}: ${thrown}`);
      for (const line of thrown.message.split('\n')) assert.match(line, /^hotadd\.yaml:\d+:\d+: .+; .+$/);
    }
  };
  for (let at = 0; at < whole.length; at += 1) {
    attempt(whole.subarray(0, at));
    for (const byte of Buffer.from('\0\t\n :-#&*!|>"\'%@`{}[]\u00ff?,~', 'latin1')) {
      const changed = Buffer.from(whole);
      changed[at] = byte;
      attempt(changed);
    }
  }
});

test('config: state and run folders follow the user and the XDG rules', () => {
  const env = { HOME: '/home/me', XDG_STATE_HOME: '/s', XDG_RUNTIME_DIR: '/run/user/1000' };
  const folders = (user: number | null, given: Record<string, string>) => {
    const around = { user, env: given, tempFolder: '/tmp' };
    return [defaultStateFolder(around), defaultRunFolder(around)];
  };
  assert.deepEqual(folders(0, env), ['/var/lib/hotadd', '/run/hotadd']);
  assert.deepEqual(folders(1000, env), ['/s/hotadd', '/run/user/1000/hotadd']);
  assert.deepEqual(folders(1000, { HOME: '/home/me', XDG_STATE_HOME: 'relative', XDG_RUNTIME_DIR: '' }), [
    '/home/me/.local/state/hotadd',
    '/tmp/hotadd-1000',
  ]);
  assert.deepEqual(folders(1000, {}), ['/tmp/hotadd-1000', '/tmp/hotadd-1000']);
});
