// The main job, on a real kernel with a real server: the limit of a cgroup changes and Redis follows, proven.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { type Agent, openAgent } from '../../src/agent/agent.ts';
import { parseConfig } from '../../src/agent/config.ts';
import { MiB } from '../../src/core/bytes.ts';
import type { Outcome } from '../../src/core/outcome.ts';
import { makeCgroup, noCgroup, type RealCgroup } from '../real-cgroup.ts';
import { noRedis, type RealRedis, type RealRedisOptions, startRedis } from '../real-redis.ts';
import { until } from '../until.ts';

const real = { skip: noCgroup || noRedis };

interface World {
  readonly group: RealCgroup;
  readonly redis: RealRedis;
  readonly agent: Agent;
  readonly outcomes: Outcome[];
}

async function openWorld(
  t: TestContext,
  limitMiB: number,
  options: RealRedisOptions & { drivers?: string[] } = {},
): Promise<World> {
  const group = makeCgroup(t, limitMiB * MiB);
  const redis = await startRedis(t, { ...options, cgroup: group.folder });
  const outcomes: Outcome[] = [];
  const agent = await openFor(
    t,
    group,
    [`{ name: cache, driver: redis, url: '${redis.url}' }`, ...(options.drivers ?? [])],
    outcomes,
  );
  return { group, redis, agent, outcomes };
}

async function openFor(
  t: TestContext,
  group: RealCgroup,
  drivers: string[],
  outcomes: Outcome[],
): Promise<Agent> {
  const state = mkdtempSync(join(tmpdir(), 'hotadd-e2e-'));
  const yaml = [
    'version: 1',
    `partition: cgroup:${group.path}`,
    'apply: true',
    `state: ${state}/state`,
    `run: ${state}/run`,
    'drivers:',
    ...drivers.map((driver) => `  - ${driver}`),
  ].join('\n');
  const config = parseConfig(Buffer.from(yaml), 'hotadd.yaml');
  const agent = await openAgent({ config, program: 'e2e', onOutcome: (outcome) => outcomes.push(outcome) });
  t.after(async () => {
    await agent.close();
    rmSync(state, { recursive: true, force: true });
  });
  return agent;
}

/** Grows to the limit by a first change, so that hotadd has set the server. */
async function settleAt(world: World, limitMiB: number): Promise<void> {
  const outcome = await world.agent.resize(limitMiB * MiB);
  assert.equal(outcome.result, 'done', outcome.report);
}

const maxmemory = (redis: RealRedis) => redis.info('maxmemory');
const brim = async (redis: RealRedis, valueBytes: number) =>
  redis.fill({ bytes: Math.ceil((await maxmemory(redis)) * 1.05), valueBytes });

/** Samples use against the limit until told to stop; fails at the first sample above it. */
function sample(group: RealCgroup) {
  const worst = { overBytes: Number.NEGATIVE_INFINITY, samples: 0 };
  const timer = setInterval(() => {
    worst.overBytes = Math.max(worst.overBytes, group.readUsage() - group.readLimit());
    worst.samples += 1;
  }, 2);
  return () => {
    clearInterval(timer);
    return worst;
  };
}

test(
  'a limit raised from 256 to 512 MiB reaches maxmemory within 1 s, read back and proven',
  real,
  async (t) => {
    const world = await openWorld(t, 256, {
      args: ['--maxmemory', '100mb', '--maxmemory-policy', 'allkeys-lru'],
    });
    const writtenAt = performance.now();
    world.group.writeLimit(512 * MiB);
    await until(async () => (await maxmemory(world.redis)) !== 100 * MiB, 'maxmemory moves');
    const tookMs = performance.now() - writtenAt;
    assert.ok(tookMs < 1000, `took ${tookMs} ms`);
    const outcome = await until(() => world.outcomes.at(-1), 'the outcome');
    const [answer] = outcome.answers;
    assert.deepEqual([answer?.driver, answer?.verdict, answer?.proven], ['cache', 'resized', true]);
    const planned = answer?.settingsAfter?.find(({ name }) => name === 'maxmemory')?.value;
    assert.equal(Number(planned), await maxmemory(world.redis));
    const plan = await world.agent.partition.plan();
    const budget = plan.plan.budgets[0]?.budgetBytes ?? 0;
    assert.ok(budget <= plan.plan.roomBytes && budget > plan.plan.roomBytes * 0.97, outcome.report);
    t.diagnostic(`maxmemory moved ${tookMs.toFixed(0)} ms after the write; ${outcome.report}`);
  },
);

test(
  'filled to the brim with 20 KB values, a planned shrink to 200 MiB is proven before the limit is written',
  real,
  async (t) => {
    const world = await openWorld(t, 256, {
      args: ['--maxmemory', '100mb', '--maxmemory-policy', 'allkeys-lru'],
    });
    await settleAt(world, 512);
    await brim(world.redis, 20_000);
    const stop = sample(world.group);
    const before = world.group.readUsage();
    const outcome = await world.agent.resize(200 * MiB);
    const worst = stop();
    assert.equal(outcome.result, 'done', outcome.report);
    assert.equal(world.group.readLimit(), 200 * MiB);
    assert.ok(before > 250 * MiB, `filled ${before / MiB} MiB`);
    assert.ok(worst.overBytes <= 0, `used was ${worst.overBytes} bytes above the limit`);
    assert.ok(worst.samples > 100);
    assert.equal(world.group.readKills(), 0);
    const [answer] = outcome.answers;
    assert.deepEqual([answer?.verdict, answer?.proven], ['resized', true]);
    assert.ok((answer?.heldAfterBytes ?? Number.POSITIVE_INFINITY) <= (answer?.budgetBytes ?? 0));
    t.diagnostic(outcome.report);
  },
);

test(
  'filled with 200 B values, a planned shrink fails, says what is held and what would help, and goes back',
  real,
  async (t) => {
    const world = await openWorld(t, 256, {
      args: ['--maxmemory', '100mb', '--maxmemory-policy', 'allkeys-random'],
    });
    await settleAt(world, 512);
    await brim(world.redis, 200);
    const before = await maxmemory(world.redis);
    const outcome = await world.agent.resize(200 * MiB);
    assert.equal(outcome.result, 'failed', outcome.report);
    assert.match(outcome.reason ?? '', /does not fit 120 MiB of room under 200 MiB/);
    assert.match(outcome.reason ?? '', /cache partial: it may take \d+ MiB and holds \d+ MiB/);
    assert.match(outcome.report, /fragmentation.*activedefrag/);
    assert.equal(await maxmemory(world.redis), before);
    assert.deepEqual(outcome.handedBack, [{ driver: 'cache', asBefore: true, note: null }]);
    assert.equal(world.group.readLimit(), 512 * MiB);
    t.diagnostic(outcome.report);
  },
);

test(
  'with noeviction a planned shrink below what is in use is refused with the reason, and nothing changes',
  real,
  async (t) => {
    const world = await openWorld(t, 256, {
      args: ['--maxmemory', '100mb', '--maxmemory-policy', 'noeviction'],
    });
    await settleAt(world, 512);
    const before = await maxmemory(world.redis);
    await world.redis.fill({ bytes: Math.floor(before * 0.8), valueBytes: 20_000 });
    const keys = await world.redis.run('DBSIZE');
    const outcome = await world.agent.resize(200 * MiB);
    assert.equal(outcome.result, 'refused', outcome.report);
    assert.match(outcome.reason ?? '', /drivers need .* more than the room of .*cache needs .*noeviction/);
    assert.equal(await maxmemory(world.redis), before);
    assert.equal(await world.redis.run('DBSIZE'), keys);
    assert.equal(world.group.readLimit(), 512 * MiB);
    t.diagnostic(outcome.report);
  },
);

test('a server stopped in the middle: the change fails and settings are handed back', real, async (t) => {
  const group = makeCgroup(t, 300 * MiB);
  const args = (policy: string) => ['--maxmemory', '50mb', '--maxmemory-policy', policy];
  const stopped = await startRedis(t, { args: args('allkeys-lru'), cgroup: group.folder });
  // It can give what nobody uses, and no more: the room that the stopped one keeps cannot be had from it.
  const other = await startRedis(t, { args: args('noeviction'), cgroup: group.folder });
  const drivers = [stopped, other].map(
    ({ url }, index) => `{ name: server${index}, driver: redis, url: '${url}' }`,
  );
  const agent = await openFor(t, group, drivers, []);
  assert.equal((await agent.resize(600 * MiB)).result, 'done');
  await brim(stopped, 20_000);
  await other.fill({ bytes: 45 * MiB, valueBytes: 20_000 });
  const before = await maxmemory(other);
  const resizing = agent.resize(250 * MiB);
  await until(async () => (await maxmemory(other)) < before, 'the shrink begins');
  process.kill(stopped.pid, 'SIGSTOP');
  const outcome = await resizing;
  process.kill(stopped.pid, 'SIGCONT');
  assert.equal(outcome.result, 'failed', outcome.report);
  assert.equal(await maxmemory(other), before);
  assert.equal(group.readLimit(), 600 * MiB);
  assert.deepEqual(
    outcome.handedBack.find(({ driver }) => driver === 'server1'),
    { driver: 'server1', asBefore: true, note: null },
  );
  t.diagnostic(outcome.report);
});

test(
  'while two other processes allocate in the group, unmanaged use is seen and room is never overspent',
  real,
  async (t) => {
    const world = await openWorld(t, 256, {
      args: ['--maxmemory', '100mb', '--maxmemory-policy', 'allkeys-lru'],
    });
    await settleAt(world, 512);
    const alone = await maxmemory(world.redis);
    await Promise.all([world.group.hold(70 * MiB), world.group.hold(70 * MiB)]);
    world.group.writeLimit(640 * MiB);
    const outcome = await until(
      () => world.outcomes.find(({ change }) => change.toBytes === 640 * MiB),
      'the outcome',
    );
    const { plan, readings } = await world.agent.partition.plan();
    assert.ok(plan.setAsideBytes >= 140 * MiB, `set aside ${plan.setAsideBytes / MiB} MiB`);
    const costs = readings.reduce((sum, { state }) => sum + (state?.costBytes ?? 0), 0);
    assert.ok(costs <= plan.roomBytes, `costs ${costs / MiB} of ${plan.roomBytes / MiB} MiB`);
    assert.ok(plan.roomBytes <= 640 * MiB - 19 * MiB - 140 * MiB);
    await brim(world.redis, 20_000);
    assert.ok(world.group.readUsage() <= world.group.readLimit());
    assert.equal(world.group.readKills(), 0);
    t.diagnostic(`maxmemory alone at 512 MiB: ${alone / MiB} MiB; ${outcome.report}`);
  },
);
