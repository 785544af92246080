// Addresses and errors: clear, with a mend, and without a secret.
import assert from 'node:assert/strict';
import { registerHooks } from 'node:module';
import test from 'node:test';
import { HotaddError } from '../core/errors.ts';
import { redisDriver } from './redis.ts';
import { parseAddress } from './redis-address.ts';
import { explain } from './redis-errors.ts';

const context = { place: 'cache at redis://h:6379', user: 'hotadd', secrets: ['s3cret/'], command: ['INFO'] };

test('redis address: takes addresses apart', () => {
  const tcp = parseAddress('cache', 'redis://me:p%2Fw@10.0.0.1/2');
  assert.deepEqual(tcp, {
    text: 'redis://10.0.0.1:6379',
    socket: { host: '10.0.0.1', port: 6379 },
    tls: false,
    local: false,
    username: 'me',
    password: 'p/w',
  });
  assert.deepEqual(parseAddress('cache', 'rediss://[::1]:7000').socket, { host: '::1', port: 7000 });
  assert.equal(parseAddress('cache', 'rediss://[::1]:7000').local, true);
  assert.equal(parseAddress('cache', 'redis://127.0.0.9').local, true);
  for (const url of ['unix:/run/redis.sock', 'unix:///run/redis.sock', 'unix://:pw@/run/redis.sock?db=1']) {
    assert.deepEqual(parseAddress('cache', url).socket, { path: '/run/redis.sock' });
    assert.equal(parseAddress('cache', url).text, 'unix:/run/redis.sock');
  }
});

test('redis address: refuses others without repeating them', () => {
  for (const url of ['', 'http://h', 'redis://', 'redis://me:s3cret@h:port', 'unix:relative', 's3cret']) {
    assert.throws(
      () => parseAddress('cache', url),
      (error: unknown) =>
        error instanceof HotaddError &&
        error.code === 'HOTADD_BAD_CONFIG' &&
        !error.message.includes('s3cret'),
    );
  }
});

const SAID: [text: string, code: string, words: RegExp][] = [
  ['LOADING Redis is loading the dataset in memory', 'HOTADD_CONNECTION', /still loading.*next pass/],
  [
    "MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'.",
    'HOTADD_CONNECTION',
    /lost its master/,
  ],
  ['BUSY Redis is busy running a script.', 'HOTADD_CONNECTION', /SCRIPT KILL/],
  ['-DENIED Redis is running in protected mode', 'HOTADD_CONNECTION', /./],
  ['ERR max number of clients reached', 'HOTADD_CONNECTION', /raise maxclients/],
  [
    "NOPERM this user has no permissions to run the 'config' command or its subcommand",
    'HOTADD_MISSING_RIGHT',
    /ACL SETUSER hotadd \+info/,
  ],
  ['ERR Rewriting config file: Permission denied', 'HOTADD_MISSING_RIGHT', /let its user write/],
  [
    "ERR CONFIG SET failed (possibly related to argument 'maxmemory') - argument must be a memory value",
    'HOTADD_UNSUPPORTED',
    /argument must be/,
  ],
  ['something nobody has heard of', 'HOTADD_CONNECTION', /something nobody has heard of/],
];

for (const [text, code, words] of SAID) {
  test(`redis errors: explains "${text.slice(0, 40)}"`, () => {
    const error = explain(new Error(text), context);
    assert.equal(error.code, code);
    assert.match(error.message, words);
    assert.ok(error.message.startsWith('cache at redis://h:6379: '));
    assert.ok(error.mend);
  });
}

test('redis errors: hides secrets in any form', () => {
  const error = explain(new Error("ERR unknown command 'AUTH', args: 's3cret/' s3cret%2F"), context);
  assert.doesNotMatch(error.message, /s3cret/);
  assert.equal(error.cause, undefined);
});

test('redis errors: explains an attempt at several addresses', () => {
  const refused = Object.assign(new Error('connect ECONNREFUSED ::1:6379'), { code: 'ECONNREFUSED' });
  assert.match(explain(new AggregateError([refused, refused]), context).message, /no server listens there/);
});

test('redis errors: a missing client library says what to install', async (t) => {
  const hooks = registerHooks({
    resolve: (specifier, resolution, next) => {
      if (specifier === 'redis') throw new Error('Cannot find package');
      return next(specifier, resolution);
    },
  });
  t.after(() => hooks.deregister());
  const driver = redisDriver({ name: 'cache', url: 'redis://127.0.0.1:1' });
  await assert.rejects(driver.read(new AbortController().signal), {
    code: 'HOTADD_MISSING_CLIENT',
    message: 'cache at redis://127.0.0.1:1: the package redis is not installed; npm install redis',
  });
});

test('redis errors: a closed driver says so', async () => {
  const driver = redisDriver({ name: 'cache', url: 'redis://127.0.0.1:1' });
  await driver.close?.();
  await assert.rejects(driver.read(new AbortController().signal), { code: 'HOTADD_CLOSED' });
});
