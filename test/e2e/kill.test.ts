// The agent is killed with SIGKILL at random moments during changes, with real Redis servers and a real
// history; after each restart nothing of the history is lost and the sizes converge (E1, E2, E3). KILLS=n
// runs another number of kills, SEED=n another sequence.
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import type { planOf } from '../../src/agent/api-views.ts';
import { askAgent } from '../../src/agent/client.ts';
import { type HistoryEntry, readHistory } from '../../src/agent/history-reading.ts';
import { MiB } from '../../src/core/bytes.ts';
import type { Outcome } from '../../src/core/outcome.ts';
import { makeCgroup, noCgroup, type RealCgroup } from '../real-cgroup.ts';
import { noRedis, type RealRedis, startRedis } from '../real-redis.ts';
import { until } from '../until.ts';

const KILLS = Number(process.env.KILLS ?? 200);
/** Kills in one test, so that a run says early how it goes. */
const KILLS_EACH = Math.min(50, KILLS);
const SEED = Number(process.env.SEED ?? 1);
const LONGEST_LIFE_MS = 500;
const CONVERGE_MS = 2_000;
const main = join(import.meta.dirname, '../../src/cli/main.ts');

type Plan = Awaited<ReturnType<typeof planOf>>;

class Place {
  readonly folder: string;
  readonly config: string;
  readonly socket: string;
  readonly group: RealCgroup;
  readonly servers: readonly RealRedis[];
  /** Outcomes that an agent has told of: told only once they are on disk. */
  readonly told = new Map<number, string>();
  child: ChildProcess | null = null;

  constructor(t: TestContext, group: RealCgroup, servers: readonly RealRedis[]) {
    this.folder = mkdtempSync(join(tmpdir(), 'hotadd-kill-'));
    this.group = group;
    this.servers = servers;
    this.config = join(this.folder, 'hotadd.yaml');
    this.socket = join(this.folder, 'run/control.sock');
    const drivers = servers.map(
      ({ url }, index) => `  - { name: server${index}, driver: redis, url: '${url}' }`,
    );
    const lines = [
      'version: 1',
      `partition: cgroup:${group.path}`,
      'apply: true',
      `state: ${this.folder}/state`,
    ];
    writeFileSync(this.config, [...lines, `run: ${this.folder}/run`, 'drivers:', ...drivers].join('\n'));
    t.after(async () => {
      await this.kill();
      rmSync(this.folder, { recursive: true, force: true });
    });
  }

  /** Starts the agent; resolves when it answers. */
  async start(): Promise<void> {
    const child = spawn(process.execPath, [main, 'run', '--json', '--config', this.config], {
      stdio: ['ignore', 'pipe', 'inherit'],
      env: { ...process.env, NODE_COMPILE_CACHE: join(this.folder, 'cache') },
    });
    this.child = child;
    let rest = '';
    child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      const lines = (rest + text).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) this.#hear(line);
    });
    await until(() => {
      assert.equal(child.exitCode, null, 'the agent ended by itself');
      return this.ask('/v1/status').then(Boolean, () => false);
    }, 'the agent answers');
  }

  async kill(): Promise<void> {
    const { child } = this;
    if (child === null || child.exitCode !== null || child.signalCode !== null) return;
    const exited = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGKILL');
    await exited;
  }

  ask(path: string): Promise<unknown> {
    return askAgent(this.socket, 'GET', path);
  }

  #hear(line: string): void {
    const said = JSON.parse(line) as { schema: string } & Outcome;
    if (said.schema === 'hotadd.outcome/1') this.told.set(said.change.changeId, said.result);
  }
}

/** Every driver is within what the plan gives it, and nobody is taken for having drifted. */
async function converged(place: Place): Promise<boolean> {
  const { plan, errors } = (await place.ask('/v1/plan')) as Plan;
  const drifted = plan.budgets.find(({ reason }) => reason.startsWith('drift'));
  assert.equal(drifted, undefined, `a write of its own is taken for drift: ${drifted?.reason}`);
  return errors.length === 0 && plan.budgets.every(({ move }) => move === 'keep');
}

/** What the servers themselves need for the largest move: the time that is not the agent's. */
async function measureServers(servers: readonly RealRedis[]): Promise<number> {
  const startedAt = performance.now();
  await Promise.all(
    servers.map(async (server) => {
      const limit = await server.info('maxmemory');
      await server.run('CONFIG', 'SET', 'maxmemory', String(60 * MiB));
      await until(
        async () =>
          (await server.info('used_memory')) <= 60 * MiB || (await server.info('evicted_keys')) === 0,
        'evicted',
      );
      await server.run('MEMORY', 'PURGE');
      await server.run('CONFIG', 'SET', 'maxmemory', String(limit));
    }),
  );
  return performance.now() - startedAt;
}

function randoms(seed: number) {
  let state = seed;
  return (below: number) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

/** Begins a change and does not wait: the kill comes in the middle of it. */
function beginChange(place: Place, random: (below: number) => number): string {
  const limits = [260, 300, 340, 400, 460, 520];
  const toBytes = (limits[random(limits.length)] ?? 300) * MiB;
  const kind = random(10);
  if (kind < 4) {
    try {
      place.group.writeLimit(toBytes);
    } catch {
      // v1 refuses a limit below use: then there is no change, and the kill comes all the same.
    }
    return 'observed';
  }
  // The floor of the second server does not fit into 150 MiB: such a change is refused.
  const bytes = kind === 9 ? 150 * MiB : toBytes;
  askAgent(place.socket, 'POST', '/v1/resize', { toBytes: bytes }).catch(() => undefined);
  return 'planned';
}

const count = (entries: readonly HistoryEntry[], holds: (entry: HistoryEntry) => boolean) =>
  entries.filter(holds).length;

/** Nothing is lost: ids only rise, and every outcome that was told is there. Says what the history had. */
async function checkHistory(place: Place) {
  const history = await readHistory(join(place.folder, 'state'));
  const entries = await history.entries();
  assert.equal(history.setAside, null);
  const ids = entries.map(({ intent }) => intent.change.changeId);
  assert.deepEqual(
    ids,
    [...ids].sort((a, b) => b - a),
    'changeIds only rise',
  );
  for (const [changeId, result] of place.told) {
    const found = entries.find(({ intent }) => intent.change.changeId === changeId)?.outcome;
    assert.ok(typeof found === 'object', `the outcome of change ${changeId} was told and is lost`);
    assert.equal(found.result, result);
  }
  const had = {
    shrinks: count(entries, ({ intent }) => intent.change.kind === 'shrink'),
    refused: count(entries, ({ outcome }) => typeof outcome === 'object' && outcome.result === 'refused'),
    interrupted: count(entries, ({ outcome }) => outcome === 'interrupted'),
  };
  for (const [what, times_] of Object.entries(had))
    assert.ok(times_ > 0, `no ${what} in ${KILLS_EACH} kills`);
  assert.equal(place.group.readKills(), 0);
  return { changes: entries.length, ...had };
}

/** A group with two servers: one that can evict, one whose floor makes small limits be refused. */
async function openPlace(t: TestContext): Promise<Place> {
  const group = makeCgroup(t, 300 * MiB);
  const args = (policy: string) => ['--maxmemory', '70mb', '--maxmemory-policy', policy];
  const servers = [
    await startRedis(t, { args: args('allkeys-lru'), cgroup: group.folder }),
    await startRedis(t, { args: args('noeviction'), cgroup: group.folder }),
  ];
  for (const server of servers) await server.fill({ bytes: 50 * MiB, valueBytes: 20_000 });
  const place = new Place(t, group, servers);
  // The first change makes the settings hotadd's own; before it they are left as found (E3).
  await place.start();
  await askAgent(place.socket, 'POST', '/v1/resize', { toBytes: 340 * MiB });
  await place.kill();
  return place;
}

/** Starts the agent; resolves to the time from its first answer until the sizes are as planned. */
async function restart(place: Place, serverMs: number, when: string): Promise<number> {
  await place.start();
  const startedAt = performance.now();
  await until(() => converged(place), `${when}: sizes converge`, CONVERGE_MS + serverMs);
  return performance.now() - startedAt;
}

for (let seed = SEED; seed < SEED + KILLS / KILLS_EACH; seed += 1) {
  const title = `kill -9 of the agent at ${KILLS_EACH} random moments, seed ${seed}`;
  const options = { skip: noCgroup || noRedis, timeout: 180_000 };
  test(`${title}: nothing is lost and sizes converge (E1, E2, E3)`, options, async (t) => {
    const place = await openPlace(t);
    const serverMs = await measureServers(place.servers);
    const random = randoms(seed);
    const times: number[] = [];
    for (let kill = 0; kill < KILLS_EACH; kill += 1) {
      times.push(await restart(place, serverMs, `kill ${kill} of seed ${seed}`));
      beginChange(place, random);
      await new Promise((resolve) => setTimeout(resolve, random(LONGEST_LIFE_MS)));
      await place.kill();
      assert.deepEqual((await readHistory(join(place.folder, 'state'))).broken, []);
    }
    times.push(await restart(place, serverMs, `the end of seed ${seed}`));
    const had = await checkHistory(place);
    times.sort((a, b) => a - b);
    const [median, worst] = [times[Math.floor(times.length / 2)], times.at(-1)].map((ms) => ms?.toFixed(0));
    t.diagnostic(
      `${KILLS_EACH} kills, ${JSON.stringify(had)}; sizes converge in ${median} ms (median), ` +
        `${worst} ms (worst); the servers' own time is ${serverMs.toFixed(0)} ms`,
    );
  });
}
