// The Redis driver and the ways in: passwords, ACL users, TLS, servers that are gone, silent or forbidden.
// Every error names the driver, the address without its secret, and the mend.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import { inspect } from 'node:util';
import * as redis from 'redis';
import { MiB } from '../../src/core/bytes.ts';
import type { Driver, ResizeContext } from '../../src/core/driver.ts';
import { HotaddError } from '../../src/core/errors.ts';
import type { PhysicalMemory } from '../../src/core/memory.ts';
import { type RedisDriverOptions, redisDriver } from '../../src/drivers/redis.ts';
import { noRedis, startRedis } from '../real-redis.ts';

const real = { skip: noRedis };
const SECRET = 'Tr0ub4dor&3 /';
const memory = { usableBytes: null } as unknown as PhysicalMemory;
const context = (): ResizeContext => ({
  changeId: 1,
  phase: 'arrival',
  deadlineMs: 30_000,
  signal: new AbortController().signal,
});
const read = (driver: Driver, signal = new AbortController().signal) => driver.read(signal);

function open(t: TestContext, options: Omit<RedisDriverOptions, 'name'>): Driver {
  const driver = redisDriver({ name: 'cache', ...options });
  t.after(() => driver.close?.());
  return driver;
}

function secretFile(t: TestContext, text: string, mode = 0o600): string {
  const dir = mkdtempSync(join(tmpdir(), 'hotadd-secret-'));
  t.after(() => rmSync(dir, { recursive: true, force: true }));
  const file = join(dir, 'secret');
  writeFileSync(file, text);
  chmodSync(file, mode);
  return file;
}

/** The error of a call, with nothing secret in any corner of it. */
async function fails(call: Promise<unknown>, code: string, words: RegExp): Promise<HotaddError> {
  const error: unknown = await call.then(
    () => assert.fail('it should fail'),
    (thrown: unknown) => thrown,
  );
  assert.ok(error instanceof HotaddError, inspect(error));
  assert.equal(error.code, code, error.message);
  assert.match(error.message, words);
  const everything = inspect(error, { depth: 9, showHidden: true });
  for (const form of [SECRET, encodeURIComponent(SECRET)]) assert.ok(!everything.includes(form), everything);
  return error;
}

test('redis access: password from a file that only we can read', real, async (t) => {
  const server = await startRedis(t, { port: true, args: ['--requirepass', SECRET], password: SECRET });
  const url = `redis://127.0.0.1:${server.port}`;
  const state = await read(open(t, { url, passwordFile: secretFile(t, `${SECRET}\n`) }));
  assert.deepEqual(state.home, { pids: [server.pid] });
  await read(open(t, { url: `redis://:${encodeURIComponent(SECRET)}@localhost:${server.port}` }));
  await fails(
    read(open(t, { url })),
    'HOTADD_CONNECTION',
    /cache at redis:\/\/127.*asks for a password.*set passwordFile/,
  );
  const readable = secretFile(t, SECRET, 0o644);
  await fails(read(open(t, { url, passwordFile: readable })), 'HOTADD_UNSAFE_FILE', /chmod o-rwx/);
  await fails(
    read(open(t, { url, passwordFile: '/nowhere' })),
    'HOTADD_BAD_CONFIG',
    /\/nowhere cannot be read \(ENOENT\)/,
  );
});

test('redis access: a wrong password says so and does not show it', real, async (t) => {
  const server = await startRedis(t, { port: true, args: ['--requirepass', 'right'], password: 'right' });
  const url = `redis://someone:${encodeURIComponent(SECRET)}@127.0.0.1:${server.port}`;
  const words =
    /cache at redis:\/\/127\.0\.0\.1:\d+: user name or password is wrong.*check username and passwordFile/;
  await fails(read(open(t, { url })), 'HOTADD_CONNECTION', words);
  const open_ = await startRedis(t, { port: true });
  const needless = `redis://:${encodeURIComponent(SECRET)}@127.0.0.1:${open_.port}`;
  await fails(
    read(open(t, { url: needless })),
    'HOTADD_CONNECTION',
    /the server has no password.*remove passwordFile/,
  );
});

test('redis access: a server that repeats the password in its reply', real, async (t) => {
  const server = await startRedis(t, { args: ['--rename-command', 'AUTH', ''] });
  const url = server.url.replace('unix:', `unix://me:${encodeURIComponent(SECRET)}@`);
  await fails(read(open(t, { url })), 'HOTADD_UNSUPPORTED', /unknown command 'AUTH'.*'\*\*\*'/);
});

test('redis access: CONFIG that was removed', real, async (t) => {
  const server = await startRedis(t, { args: ['--rename-command', 'CONFIG', ''] });
  await fails(read(open(t, server)), 'HOTADD_UNSUPPORTED', /CONFIG GET.*managed servers often remove CONFIG/);
});

const LEAST = ['+info', '+config|get', '+config|set', '+memory|purge'];

test('redis access: an ACL user with the least rights', real, async (t) => {
  const server = await startRedis(t, { args: ['--maxmemory', '400mb', '--maxmemory-policy', 'allkeys-lru'] });
  await server.fill({ bytes: 60 * MiB, valueBytes: 20_000 });
  await server.run('ACL', 'SETUSER', 'hotadd', 'on', `>${SECRET}`, ...LEAST);
  const options = { url: server.url, username: 'hotadd', passwordFile: secretFile(t, SECRET) };
  const driver = open(t, options);
  await driver.resize({ bytes: 50 * MiB, memory }, context());
  while ((await read(driver)).moving) await new Promise((resolve) => setTimeout(resolve, 20));
  assert.equal(await server.info('maxmemory'), 30 * MiB);
  await fails(
    (async () => driver.persist?.())(),
    'HOTADD_MISSING_RIGHT',
    /user hotadd has no right \+config\|rewrite.*ACL SETUSER hotadd \+config\|rewrite/,
  );
  await server.run('ACL', 'SETUSER', 'hotadd', '-config|set');
  const grow = driver.resize({ bytes: 500 * MiB, memory }, context());
  await fails(grow, 'HOTADD_MISSING_RIGHT', /cache at unix:.*ACL SETUSER hotadd \+config\|set/);
  await server.run('ACL', 'SETUSER', 'hotadd', '-info');
  await fails(read(driver), 'HOTADD_MISSING_RIGHT', /ACL SETUSER hotadd \+info/);
});

test('redis access: without the right to purge it still resizes', real, async (t) => {
  const server = await startRedis(t, { args: ['--maxmemory', '400mb', '--maxmemory-policy', 'allkeys-lru'] });
  await server.run('ACL', 'SETUSER', 'hotadd', 'on', 'nopass', '+info', '+config|get', '+config|set');
  const driver = open(t, { url: server.url, username: 'hotadd', passwordFile: secretFile(t, 'any') });
  await driver.resize({ bytes: 100 * MiB, memory }, context());
  assert.equal(await server.info('maxmemory'), 70 * MiB);
});

test('redis access: TLS, with our own certificate too', real, async (t) => {
  const { ca, cert, key } = makeCertificates(t);
  const files = ['--tls-cert-file', cert, '--tls-key-file', key, '--tls-ca-cert-file', ca];
  const server = await startRedis(t, { port: 'tls', args: files });
  const url = `rediss://127.0.0.1:${server.port}`;
  await read(open(t, { url, tls: { ca, cert, key } }));
  await fails(
    read(open(t, { url })),
    'HOTADD_CONNECTION',
    /certificate of the server is not trusted.*tls\.ca/,
  );
  await fails(read(open(t, { url, tls: { ca } })), 'HOTADD_CONNECTION', /rediss:\/\/127.*tls\.cert/);
  const elsewhere = { ca, cert, key, serverName: 'other.example' };
  await fails(read(open(t, { url, tls: elsewhere })), 'HOTADD_CONNECTION', /certificate is for another name/);
  const plain = open(t, { url: url.replace('rediss', 'redis') });
  await fails(read(plain), 'HOTADD_CONNECTION', /connection was lost.*TLS over TCP needs rediss:\/\//);
  const noTls = await startRedis(t, { port: true });
  await fails(
    read(open(t, { url: `rediss://127.0.0.1:${noTls.port}` })),
    'HOTADD_CONNECTION',
    /without TLS needs redis:/,
  );
});

test('redis access: takes a client library that is handed in', real, async (t) => {
  const server = await startRedis(t, {});
  let made = 0;
  const client = {
    createClient(options: object) {
      made += 1;
      return redis.createClient(options);
    },
  };
  const driver = open(t, { url: server.url, client });
  await Promise.all([read(driver), read(driver)]);
  await read(open(t, { url: server.url, client: redis }));
  assert.equal(made, 1, 'calls share one connection');
});

test('redis access: nobody listens', real, async (t) => {
  const server = await startRedis(t, { port: true });
  await server.stop();
  const tcp = open(t, { url: `redis://127.0.0.1:${server.port}` });
  await fails(
    read(tcp),
    'HOTADD_CONNECTION',
    /cache at redis:\/\/127.*no server listens there.*start the server/,
  );
  await fails(
    read(open(t, { url: 'unix:/nowhere/redis.sock' })),
    'HOTADD_CONNECTION',
    /no server listens there/,
  );
});

test('redis access: a server killed in the middle of a walk, and back again', real, async (t) => {
  const args = ['--maxmemory', '400mb', '--maxmemory-policy', 'allkeys-lru'];
  const server = await startRedis(t, { port: true, args });
  await server.fill({ bytes: 150 * MiB, valueBytes: 20_000 });
  const driver = open(t, { url: `redis://127.0.0.1:${server.port}` });
  const { instance } = await read(driver);
  await driver.resize({ bytes: 40 * MiB, memory }, context());
  assert.ok((await read(driver)).moving);
  await server.stop();
  await fails(read(driver), 'HOTADD_CONNECTION', /connection was lost|no server listens/);
  await fails(
    driver.resize({ bytes: 40 * MiB, memory }, context()),
    'HOTADD_CONNECTION',
    /no server listens/,
  );
  const again = await startRedis(t, { port: server.port ?? 0, args });
  const state = await read(driver);
  assert.notEqual(state.instance, instance);
  assert.equal(state.moving, undefined);
  await driver.resize({ bytes: 100 * MiB, memory }, context());
  assert.equal(await again.info('maxmemory'), 70 * MiB);
});

test('redis access: a silent server, and one that speaks again', real, async (t) => {
  const server = await startRedis(t, {});
  const driver = open(t, server);
  const { instance } = await read(driver);
  process.kill(server.pid, 'SIGSTOP');
  const reason = new Error('enough');
  await assert.rejects(read(driver, AbortSignal.abort(reason)), reason);
  const patience = AbortSignal.timeout(50);
  await assert.rejects(read(driver, patience), { name: 'TimeoutError' });
  process.kill(server.pid, 'SIGCONT');
  assert.equal((await read(driver)).instance, instance);
});

function makeCertificates(t: TestContext): { ca: string; cert: string; key: string } {
  const dir = mkdtempSync(join(tmpdir(), 'hotadd-tls-'));
  t.after(() => rmSync(dir, { recursive: true, force: true }));
  const [cert, key] = [join(dir, 'cert.pem'), join(dir, 'key.pem')];
  const request = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
  const subject = ['-subj', '/CN=redis', '-addext', 'subjectAltName=IP:127.0.0.1', '-days', '2'];
  execFileSync('openssl', [...request, ...subject, '-keyout', key, '-out', cert], { stdio: 'ignore' });
  chmodSync(key, 0o600);
  return { ca: cert, cert, key };
}
