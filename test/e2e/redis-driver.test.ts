// The Redis driver on real, full servers: does memory really move, is as little lost as can be, and does
// every refusal say why? Access, passwords and broken connections are in redis-access.test.ts.
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import { MiB } from '../../src/core/bytes.ts';
import type { Driver, DriverState, ResizeContext, Setting } from '../../src/core/driver.ts';
import { Refusal } from '../../src/core/errors.ts';
import type { PhysicalMemory } from '../../src/core/memory.ts';
import { redisDriver } from '../../src/drivers/redis.ts';
import { noRedis, type RealRedis, startRedis } from '../real-redis.ts';
import { until } from '../until.ts';

const real = { skip: noRedis };
const memory = { usableBytes: null } as unknown as PhysicalMemory;
const context = (signal = new AbortController().signal): ResizeContext => ({
  changeId: 1,
  phase: 'arrival',
  deadlineMs: 30_000,
  signal,
});
const read = (driver: Driver) => driver.read(new AbortController().signal);
const maxmemoryOf = (settings: readonly Setting[]) =>
  Number(settings.find(({ name }) => name === 'maxmemory')?.value);

async function still(driver: Driver): Promise<DriverState> {
  for (;;) {
    const state = await read(driver);
    if (state.moving === undefined) return state;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** The server measures what it holds ten times a second, so the last pages show a moment later. */
async function holdsAtMost(driver: Driver, bytes: number): Promise<void> {
  await until(async () => ((await read(driver)).heldBytes ?? 0) <= bytes, `it holds ${bytes} at most`);
}

async function full(
  t: TestContext,
  { policy = 'allkeys-lru', valueBytes = 20_000, bytes = 200 * MiB, args = [] as string[] } = {},
): Promise<{ server: RealRedis; driver: Driver }> {
  const server = await startRedis(t, {
    args: ['--maxmemory', '400mb', '--maxmemory-policy', policy, ...args],
  });
  await server.fill({ bytes, valueBytes });
  const driver = redisDriver({ name: 'cache', url: server.url });
  t.after(() => driver.close?.());
  return { server, driver };
}

test('redis driver: grows in one step', real, async (t) => {
  const { server, driver } = await full(t, { bytes: 20 * MiB });
  const asked = await driver.resize({ bytes: 1000 * MiB, memory }, context());
  const state = await read(driver);
  assert.equal(state.moving, undefined);
  assert.equal(maxmemoryOf(asked), 790 * MiB, '(1000 - 12) / 1.25, rounded down');
  assert.equal(await server.info('maxmemory'), 790 * MiB);
  assert.ok(state.costBytes <= 1000 * MiB && state.costBytes > 1000 * MiB - state.stepBytes);
  assert.deepEqual(state.home, { pids: [server.pid] });
});

test('redis driver: shrinks in one step what holds no data', real, async (t) => {
  const { server, driver } = await full(t, { bytes: 50 * MiB });
  const keys = await server.run('DBSIZE');
  await driver.resize({ bytes: 100 * MiB, memory }, context());
  const state = await read(driver);
  assert.equal(state.moving, undefined);
  assert.equal(await server.info('maxmemory'), 70 * MiB);
  assert.equal(await server.run('DBSIZE'), keys);
});

test('redis driver: evicts step by step, and memory follows (20 KB values)', real, async (t) => {
  const { server, driver } = await full(t, {});
  const before = await read(driver);
  assert.ok((before.heldBytes ?? 0) > 200 * MiB);
  assert.match(before.why?.floor ?? '', /below \d+ MiB allkeys-lru gives up entries/);
  const budget = 120 * MiB;
  const asked = await driver.resize({ bytes: budget, memory }, context());
  const first = await read(driver);
  assert.equal(first.moving?.toBytes, budget);
  assert.match(first.moving?.note ?? '', /\d+ keys evicted so far on the way to maxmemory 86 MiB/);
  const after = await still(driver);
  assert.deepEqual(after.settings, asked);
  assert.ok(after.costBytes <= budget);
  await holdsAtMost(driver, budget);
  assert.ok((await server.info('used_memory')) > 80 * MiB, 'no more is evicted than has to be');
  t.diagnostic(`held ${before.heldBytes} -> ${after.heldBytes}, budget ${budget}`);
});

test('redis driver: stops before data is lost for nothing (200 B values)', real, async (t) => {
  const { server, driver } = await full(t, { valueBytes: 200, bytes: 60 * MiB });
  const before = await read(driver);
  const keys = Number(await server.run('DBSIZE'));
  const asked = await driver.resize({ bytes: 70 * MiB, memory }, context());
  const after = await still(driver);
  const kept = Number(await server.run('DBSIZE'));
  assert.notDeepEqual(after.settings, asked, 'the shell sees that it did not get there');
  assert.match(
    after.why?.held ?? '',
    /gave back .*; holds \d+ MiB for .* fragmentation \(mem_fragmentation_ratio 1\.\d+\); activedefrag yes/,
  );
  assert.ok(kept > keys * 0.8, `kept ${kept} of ${keys}`);
  await driver.resize({ bytes: 70 * MiB, memory }, context());
  await driver.resize({ bytes: 65 * MiB, memory }, context());
  await still(driver);
  assert.equal(Number(await server.run('DBSIZE')), kept, 'asking again gives up nothing more');
  t.diagnostic(`held ${before.heldBytes} -> ${after.heldBytes}; kept ${kept} of ${keys} keys`);
});

test('redis driver: refuses to go below what noeviction keeps', real, async (t) => {
  const { server, driver } = await full(t, { policy: 'noeviction', bytes: 50 * MiB });
  const { floorBytes, settings } = await read(driver);
  const refused = await driver.resize({ bytes: floorBytes - 1, memory }, context()).catch((error) => error);
  assert.ok(refused instanceof Refusal);
  assert.match(
    refused.message,
    /cache at unix:.*: maxmemory-policy is noeviction, so what is in use \(5\d.* MiB\)/,
  );
  assert.equal(refused.floorBytes, floorBytes);
  assert.deepEqual((await read(driver)).settings, settings);
  await driver.resize({ bytes: floorBytes, memory }, context());
  assert.ok((await read(driver)).costBytes <= floorBytes);
  assert.equal(await server.run('SET', 'one', 'more'), 'OK');
});

test('redis driver: has no volatile key to evict, so it refuses', real, async (t) => {
  const { driver } = await full(t, { policy: 'volatile-lru', bytes: 50 * MiB });
  await assert.rejects(
    driver.resize({ bytes: 40 * MiB, memory }, context()),
    /volatile-lru and no key has an expiry/,
  );
});

test('redis driver: steps back up when eviction runs out, so that writes go on', real, async (t) => {
  const { server, driver } = await full(t, { policy: 'volatile-lru', bytes: 50 * MiB });
  await server.fill({ bytes: 30 * MiB, valueBytes: 20_000, prefix: 'expiring', expireSeconds: 3_600 });
  await driver.resize({ bytes: 40 * MiB, memory }, context());
  const after = await still(driver);
  assert.match(after.why?.held ?? '', /volatile-lru finds nothing more to evict: 5\d.* MiB stay/);
  assert.ok((await server.info('maxmemory')) > (await server.info('used_memory')));
  assert.equal(await server.run('SET', 'one', 'more'), 'OK');
});

test('redis driver: leaves a replica to its master', real, async (t) => {
  const master = await startRedis(t, { port: true, args: ['--repl-diskless-sync-delay', '0'] });
  await master.fill({ bytes: 30 * MiB, valueBytes: 20_000 });
  const args = ['--replicaof', '127.0.0.1', `${master.port}`, '--maxmemory-policy', 'allkeys-lru'];
  const replica = await startRedis(t, { args });
  while (!String(await replica.run('INFO', 'replication')).includes('master_link_status:up')) {
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  const driver = redisDriver({ name: 'copy', url: replica.url });
  t.after(() => driver.close?.());
  await assert.rejects(
    driver.resize({ bytes: 30 * MiB, memory }, context()),
    /a replica, which leaves eviction/,
  );
});

test('redis driver: goes back exactly, also in the middle of a walk', real, async (t) => {
  const { server, driver } = await full(t, {});
  await server.run('CONFIG', 'SET', 'maxmemory', '300000001');
  const { settings } = await read(driver);
  await driver.resize({ bytes: 60 * MiB, memory }, context());
  while ((await server.info('evicted_keys')) === 0) await read(driver);
  assert.ok((await read(driver)).moving, 'the walk is under way');
  await driver.resize({ settings }, context());
  const state = await read(driver);
  assert.equal(state.moving, undefined);
  assert.deepEqual(state.settings, settings);
  const evicted = await server.info('evicted_keys');
  await server.run('SET', 'one', 'more');
  assert.equal(await server.info('evicted_keys'), evicted, 'nothing is evicted any more');
  assert.equal(await server.info('maxmemory'), 300000001);
});

test('redis driver: the newest change wins over a walk, and its abort ends it', real, async (t) => {
  const { server, driver } = await full(t, {});
  await driver.resize({ bytes: 60 * MiB, memory }, context());
  const asked = await driver.resize({ bytes: 500 * MiB, memory }, context());
  assert.deepEqual((await still(driver)).settings, asked);
  const aborter = new AbortController();
  await driver.resize({ bytes: 60 * MiB, memory }, context(aborter.signal));
  aborter.abort();
  const after = await still(driver);
  assert.ok(maxmemoryOf(after.settings) > 100 * MiB, 'it stays where the abort found it');
  assert.ok((await server.info('used_memory')) > 100 * MiB);
});

test('redis driver: leaves a walk alone when the same is asked again', real, async (t) => {
  const { server, driver } = await full(t, {});
  const asked = await driver.resize({ bytes: 120 * MiB, memory }, context());
  while ((await server.info('evicted_keys')) === 0) await read(driver);
  const before = await server.info('maxmemory');
  assert.deepEqual(await driver.resize({ bytes: 120 * MiB, memory }, context()), asked);
  assert.ok((await read(driver)).moving, 'it goes on');
  assert.ok((await server.info('maxmemory')) <= before, 'and does not begin anew');
  assert.deepEqual((await still(driver)).settings, asked);
});

test('redis driver: makes an older call give way to a newer one', real, async (t) => {
  const { server, driver } = await full(t, { bytes: MiB });
  const older = driver.resize({ bytes: 300 * MiB, memory }, context()).catch((error: Error) => error);
  const newer = driver.resize({ bytes: 262 * MiB, memory }, context());
  assert.match(String(await older), /cache at unix:.*: a newer change has come/);
  await newer;
  assert.equal(await server.info('maxmemory'), 200 * MiB);
});

test('redis driver: counts an unlimited server at what it holds, and can limit it', real, async (t) => {
  const { server, driver } = await full(t, { bytes: 50 * MiB });
  await server.run('CONFIG', 'SET', 'maxmemory', '0');
  const before = await read(driver);
  assert.equal(before.costBytes, before.heldBytes);
  assert.match(before.why?.cost ?? '', /maxmemory is 0, no limit/);
  await driver.resize({ bytes: 100 * MiB, memory }, context());
  assert.equal(await server.info('maxmemory'), 70 * MiB);
  await driver.resize({ settings: before.settings }, context());
  assert.equal(await server.info('maxmemory'), 0);
});

test('redis driver: leaves room for a fork when the server saves', real, async (t) => {
  const { server, driver } = await full(t, { bytes: MiB });
  const without = (await read(driver)).costBytes;
  await server.run('CONFIG', 'SET', 'save', '3600 1');
  const state = await read(driver);
  assert.equal(state.costBytes - without, 400 * MiB * 1.25 * 0.2);
  assert.match(state.why?.cost ?? '', /x 1\.25 x 1\.2 \(room for a fork\)/);
});

test('redis driver: tries activedefrag and puts it back', real, async (t) => {
  const { server } = await full(t, { bytes: 100 * MiB });
  const driver = redisDriver({ name: 'cache', url: server.url, activeDefrag: true });
  t.after(() => driver.close?.());
  const { settings } = await read(driver);
  assert.deepEqual(
    settings.map(({ name }) => name),
    ['maxmemory', 'activedefrag'],
  );
  await driver.resize({ bytes: 80 * MiB, memory }, context());
  const after = await still(driver);
  assert.equal(after.settings.find(({ name }) => name === 'activedefrag')?.value, 'no');
  await holdsAtMost(driver, 80 * MiB);
});

test('redis driver: says when defragmentation would be the remedy and is missing', real, async (t) => {
  const { server } = await full(t, { valueBytes: 200, bytes: 60 * MiB });
  const driver = redisDriver({ name: 'cache', url: server.url, activeDefrag: true });
  t.after(() => driver.close?.());
  const defrags = await server.run('CONFIG', 'SET', 'activedefrag', 'yes').catch(() => null);
  if (defrags !== null) return t.skip('this build defragments');
  await driver.resize({ bytes: 70 * MiB, memory }, context());
  const { why } = await still(driver);
  assert.match(why?.held ?? '', /this build has no active defragmentation, so only a restart/);
});

test('redis driver: keeps what is set over a restart, where there is a config file', real, async (t) => {
  const { driver } = await full(t, { bytes: MiB });
  await assert.rejects(
    async () => driver.persist?.(),
    /runs without a config file.*start it with a config file/,
  );
  const first = await startRedis(t, {});
  const configFile = join(first.dir, 'redis.conf');
  writeFileSync(configFile, 'maxmemory 100mb\n');
  const server = await startRedis(t, { configFile });
  const kept = redisDriver({ name: 'kept', url: server.url });
  t.after(() => kept.close?.());
  await kept.resize({ bytes: 512 * MiB, memory }, context());
  await kept.persist?.();
  await server.stop('SIGTERM');
  const again = await startRedis(t, { configFile });
  assert.equal(await again.info('maxmemory'), 400 * MiB);
});
