// The agent with a real Redis in a real cgroup: drift, restart of the server, release, the lock, and the API.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { type Agent, openAgent } from '../../src/agent/agent.ts';
import { openApi } from '../../src/agent/api.ts';
import { askAgent, followAgent } from '../../src/agent/client.ts';
import { type Config, parseConfig } from '../../src/agent/config.ts';
import { readHistory } from '../../src/agent/history-reading.ts';
import { MiB } from '../../src/core/bytes.ts';
import type { HotaddError } from '../../src/core/errors.ts';
import type { Outcome } from '../../src/core/outcome.ts';
import { makeCgroup, noCgroup, type RealCgroup } from '../real-cgroup.ts';
import { noRedis, type RealRedis, startRedis } from '../real-redis.ts';
import { until } from '../until.ts';

const real = { skip: noCgroup || noRedis };

interface World {
  readonly group: RealCgroup;
  readonly redis: RealRedis;
  readonly config: Config;
  readonly outcomes: Outcome[];
  open(over?: Partial<Config>): Promise<Agent>;
}

async function makeWorld(t: TestContext): Promise<World> {
  const group = makeCgroup(t, 256 * MiB);
  const args = ['--maxmemory', '64mb', '--maxmemory-policy', 'allkeys-lru'];
  const redis = await startRedis(t, { args, cgroup: group.folder });
  const folder = mkdtempSync(join(tmpdir(), 'hotadd-agent-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const yaml = [
    'version: 1',
    `partition: cgroup:${group.path}`,
    'apply: true',
    `state: ${folder}/state`,
    `run: ${folder}/run`,
    `drivers: [{ name: cache, driver: redis, url: '${redis.url}' }]`,
  ].join('\n');
  const config = parseConfig(Buffer.from(yaml), 'hotadd.yaml');
  const outcomes: Outcome[] = [];
  const open = async (over: Partial<Config> = {}) => {
    const agent = await openAgent({
      config: { ...config, ...over },
      program: 'e2e',
      onOutcome: (outcome) => outcomes.push(outcome),
    });
    t.after(() => agent.close());
    return agent;
  };
  return { group, redis, config, outcomes, open };
}

const maxmemory = (redis: RealRedis) => redis.info('maxmemory');

test('a server never set by hotadd is left as found until memory changes (E3)', real, async (t) => {
  const { group, redis, outcomes, open } = await makeWorld(t);
  const agent = await open();
  await agent.firstPass();
  assert.equal(await maxmemory(redis), 64 * MiB);
  group.writeLimit(320 * MiB);
  await until(() => outcomes.length > 0, 'the change');
  assert.ok((await maxmemory(redis)) > 64 * MiB);
});

test(
  'what somebody else set is reported as drift and left alone, and reassert sets it again (E3)',
  real,
  async (t) => {
    const { redis, config, open } = await makeWorld(t);
    const agent = await open();
    await agent.resize(320 * MiB);
    await redis.run('CONFIG', 'SET', 'maxmemory', String(99 * MiB));
    const { plan } = await agent.partition.plan();
    assert.match(plan.budgets[0]?.reason ?? '', /drift: maxmemory is 103809024, hotadd had set \d+/);
    await agent.resize(384 * MiB);
    assert.equal(await maxmemory(redis), 99 * MiB);
    await agent.close();
    const drivers = config.drivers.map((each) => ({
      ...each,
      policy: { ...each.policy, onDrift: 'reassert' as const },
    }));
    const reasserting = await open({ drivers });
    await reasserting.firstPass();
    assert.ok((await maxmemory(redis)) > 200 * MiB);
  },
);

test('release hands back the settings that were there before hotadd first wrote (E3)', real, async (t) => {
  const { redis, open } = await makeWorld(t);
  const agent = await open();
  assert.deepEqual(await agent.release('cache'), {
    driver: 'cache',
    asBefore: true,
    note: 'nothing to hand back: hotadd has not written to it since',
  });
  await agent.resize(320 * MiB);
  await agent.resize(384 * MiB);
  assert.ok((await maxmemory(redis)) > 200 * MiB);
  assert.deepEqual(await agent.release('cache'), { driver: 'cache', asBefore: true, note: null });
  assert.equal(await maxmemory(redis), 64 * MiB);
  await assert.rejects(agent.release('nobody'), /there is no driver "nobody"; configured: cache/);
  await agent.firstPass();
  assert.equal(await maxmemory(redis), 64 * MiB, 'a released driver is left as found');
});

test('a driver with a connection that is refused is named, and the agent goes on', real, async (t) => {
  const { redis, group, open, outcomes } = await makeWorld(t);
  const agent = await open();
  await redis.stop();
  group.writeLimit(320 * MiB);
  const outcome = await until(() => outcomes[0], 'the change');
  assert.deepEqual(outcome.answers, []);
  const view = await agent.partition.plan();
  assert.match(view.readings[0]?.error ?? '', /cache at unix:.*redis\.sock/);
});

test(
  'one planner applies: the second agent hears who holds the partition, and may observe (E6)',
  real,
  async (t) => {
    const { open } = await makeWorld(t);
    await open();
    await assert.rejects(
      open(),
      (error: HotaddError) => error.code === 'HOTADD_BUSY' && /is held by e2e, pid \d+/.test(error.message),
    );
    const observer = await open({ apply: false });
    assert.equal(observer.history, null);
    await assert.rejects(
      observer.resize(320 * MiB),
      (error: HotaddError) => error.code === 'HOTADD_NOT_APPLIED',
    );
  },
);

test(
  'the history outlasts the agent, and what a restart of the agent finds is not drift (E1, E3)',
  real,
  async (t) => {
    const { redis, config, open } = await makeWorld(t);
    const first = await open();
    await first.resize(320 * MiB);
    const set = await maxmemory(redis);
    await first.close();
    assert.equal(await maxmemory(redis), set, 'sizes stay as they are when hotadd ends');
    const second = await open();
    await second.firstPass();
    assert.equal(await maxmemory(redis), set);
    await second.resize(384 * MiB);
    assert.ok((await maxmemory(redis)) > set);
    const [newest, oldest] = await (await readHistory(config.stateFolder)).entries();
    assert.equal(typeof newest?.outcome === 'object' && newest.outcome.result, 'done');
    assert.equal(oldest?.intent.change.changeId, 1);
    assert.equal(newest?.intent.change.changeId, 2);
  },
);

test('the API answers on a socket that only its owner may use, and streams changes (E7)', real, async (t) => {
  const { group, open } = await makeWorld(t);
  const agent = await open();
  const api = await openApi(agent);
  t.after(() => api.close());
  assert.equal(statSync(api.path).mode & 0o777, 0o600);
  const status = (await askAgent(api.path, 'GET', '/v1/status')) as {
    schema: string;
    v: number;
    state: string;
  };
  assert.deepEqual([status.schema, status.v, status.state], ['hotadd.status/1', 1, 'idle']);
  const heard: unknown[] = [];
  const stop = new AbortController();
  const following = followAgent(api.path, (change) => heard.push(change), stop.signal);
  const outcome = (await askAgent(api.path, 'POST', '/v1/resize', { toBytes: 320 * MiB })) as Outcome & {
    schema: string;
  };
  assert.deepEqual([outcome.schema, outcome.result], ['hotadd.outcome/1', 'done']);
  assert.equal(group.readLimit(), 320 * MiB);
  api.tell(outcome);
  await until(() => heard.length > 0, 'the stream tells');
  stop.abort();
  await following;
  const bad = [
    askAgent(api.path, 'POST', '/v1/resize', { toBytes: 'much' }),
    askAgent(api.path, 'POST', '/v1/release', { driver: 'nobody' }),
    askAgent(api.path, 'GET', '/v1/nothing'),
    askAgent(api.path, 'GET', '/v1/history?limit=many'),
  ];
  for (const asked of bad)
    await assert.rejects(asked, (error: HotaddError) => error.code === 'HOTADD_BAD_USAGE');
  await assert.rejects(openApi(agent), (error: HotaddError) => error.code === 'HOTADD_BUSY');
});

test(
  'a control socket that a killed agent left behind is taken over, and nobody answering is said',
  real,
  async (t) => {
    const { open } = await makeWorld(t);
    const agent = await open();
    const api = await openApi(agent);
    await api.close();
    await assert.rejects(
      askAgent(api.path, 'GET', '/v1/status'),
      (error: HotaddError) => error.code === 'HOTADD_NO_AGENT',
    );
    const again = await openApi(agent);
    assert.ok(await askAgent(again.path, 'GET', '/v1/memory'));
    await again.close();
  },
);
