// The processes of a real cluster, exchanged under load: an HTTP server, connections that are kept alive, and
// a driver that is resized.
import assert from 'node:assert/strict';
import cluster from 'node:cluster';
import { Agent, get } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { before, describe, type TestContext, test } from 'node:test';
import { ROOT } from '../../test/repository.ts';
import { until } from '../../test/until.ts';
import { MiB } from '../core/bytes.ts';
import { checkDriver } from '../testing/check-driver.ts';
import { type ClusterOptions, openCluster } from './cluster.ts';
import type { WorkerSet } from './worker-set.ts';
import { workers } from './workers.ts';

const WORKER = join(ROOT, 'test/fixtures/workers/http-worker.ts');
let port = 0;
cluster.on('listening', (_worker, address: AddressInfo) => {
  port = address.port;
});

async function opened(t: TestContext | null, over: Partial<ClusterOptions> = {}): Promise<WorkerSet> {
  cluster.setupPrimary({ exec: WORKER, args: [] });
  const set = await openCluster({ cluster, count: 2, ...over });
  t?.after(() => set.close());
  return set;
}

interface Served {
  readonly nodeOptions: string;
  readonly pid: number;
  readonly heapBytes: number;
}

class Load {
  readonly agent = new Agent({ keepAlive: true, maxSockets: 16 });
  readonly failures: string[] = [];
  readonly servedBy = new Map<number, number>();
  served = 0;
  reused = 0;
  #ends = false;
  readonly #clients: Promise<void>[];

  constructor() {
    this.#clients = Array.from({ length: 16 }, (_, client) => this.#ask(client));
  }

  async end(): Promise<void> {
    this.#ends = true;
    await Promise.all(this.#clients);
    this.agent.destroy();
  }

  /** Some ask without a pause, some leave their connection idle; each takes a new one at times. */
  async #ask(client: number): Promise<void> {
    for (let turn = 0; !this.#ends; turn += 1) {
      try {
        const { pid, heapBytes } = await this.#get((client + turn) % 7, turn % 20 !== 19);
        this.servedBy.set(pid, heapBytes);
        this.served += 1;
      } catch (error) {
        this.failures.push(String(error));
      }
      if (client % 2 === 0) await new Promise((resolve) => setTimeout(resolve, (client * turn) % 40));
    }
  }

  async #get(workMs: number, keeps: boolean): Promise<Served> {
    const { reused, ...served } = await ask(`/${workMs}`, this.agent, keeps ? {} : { connection: 'close' });
    if (reused) this.reused += 1;
    return served;
  }
}

interface Asked extends Served {
  readonly reused: boolean;
}

function ask(path = '/', agent = new Agent(), headers = {}): Promise<Asked> {
  return new Promise((resolve, reject) => {
    const request = get({ port, agent, path, headers }, (response) => {
      let text = '';
      response.on('data', (part) => {
        text += part;
      });
      response.on('end', () => resolve({ ...JSON.parse(text), reused: request.reusedSocket }));
      response.on('error', reject);
    });
    request.on('error', reject);
  });
}

const context = () => ({
  changeId: 1,
  phase: 'arrival' as const,
  deadlineMs: 30_000,
  signal: new AbortController().signal,
});

test('cluster: workers are exchanged under load, with their heap, and no request fails', async (t) => {
  const set = await opened(t);
  const driver = workers('web', set);
  const load = new Load();
  t.after(() => load.end());
  let cost = 0;
  const watch = setInterval(() => {
    cost = Math.max(cost, set.costBytes);
  }, 1);
  t.after(() => clearInterval(watch));
  let before = 2 * 128 * MiB;
  for (const budget of [512, 320, 640, 256].map((mib) => mib * MiB)) {
    cost = 0;
    const old = new Set(set.running.map(({ pid }) => pid));
    const served = load.served;
    await driver.resize({ bytes: budget, memory: null as never }, context());
    await until(async () => (await driver.read(context().signal)).moving === undefined, 'they are exchanged');
    const after = await driver.read(context().signal);
    assert.equal(after.costBytes, budget);
    assert.ok(cost <= Math.max(before, budget), `${cost} at ${budget}`);
    assert.deepEqual(
      set.running.filter(({ pid }) => old.has(pid)),
      [],
    );
    await until(() => load.served > served + 200, 'the new ones serve');
    for (const { pid } of set.running) {
      await until(() => load.servedBy.has(pid ?? 0), `${pid} serves`);
      assert.equal(load.servedBy.get(pid ?? 0), budget / 2 - 48 * MiB);
    }
    before = budget;
  }
  await load.end();
  t.diagnostic(`${load.served} requests, ${load.reused} on connections that were kept`);
  assert.deepEqual(load.failures, []);
  assert.ok(load.reused > load.served / 2, `${load.reused} of ${load.served} on kept connections`);
});

test('cluster: a worker that is killed is replaced by one like it', async (t) => {
  const set = await opened(t);
  const [first] = set.running;
  process.kill(first?.pid ?? 0, 'SIGKILL');
  await until(
    () => set.running.every(({ pid }) => pid !== first?.pid) && set.sizes.length === 2,
    'a new one',
  );
  assert.deepEqual(set.sizes, [128 * MiB, 128 * MiB]);
});

test('cluster: workers that know nothing of hotadd are disconnected, and end', async (t) => {
  const set = await opened(t, { env: { PLAIN: 'yes' } });
  const old = set.running.map(({ pid }) => pid);
  set.want({ count: 2, bytes: 160 * MiB });
  await set.settled();
  assert.deepEqual(set.sizes, [160 * MiB, 160 * MiB]);
  for (const pid of old) assert.throws(() => process.kill(pid ?? 0, 0), { code: 'ESRCH' });
});

test('cluster: a share of memory in NODE_OPTIONS does not size the workers', async (t) => {
  const before = process.env.NODE_OPTIONS;
  process.env.NODE_OPTIONS = '--max-old-space-size-percentage=10 --no-deprecation';
  t.after(() => {
    if (before === undefined) delete process.env.NODE_OPTIONS;
    else process.env.NODE_OPTIONS = before;
  });
  await opened(t);
  const { heapBytes, nodeOptions } = await ask();
  assert.deepEqual([heapBytes, nodeOptions], [80 * MiB, '--no-deprecation']);
});

test('cluster: the settings of other forks are left as they were', async (t) => {
  cluster.setupPrimary({ execArgv: ['--no-warnings'] });
  await opened(t);
  assert.deepEqual(cluster.settings.execArgv, ['--no-warnings']);
});

test('cluster: one worker alone is refused, and so is one that ends before it listens', async () => {
  const alone = openCluster({ cluster, count: 2, leastCount: 1 });
  await assert.rejects(alone, { code: 'HOTADD_BAD_AMOUNT', message: /leastCount of 2 or more/ });
  const ends = opened(null, { env: { ENDS: '3' } });
  await assert.rejects(ends, { code: 'HOTADD_OPERATION', message: /before it listened: exit code 3/ });
});

describe('cluster: it is a driver, under load', () => {
  let set: WorkerSet;
  let load: Load;
  before(async () => {
    set = await opened(null);
    load = new Load();
  });
  const budgets = { smallBytes: 288 * MiB, largeBytes: 1088 * MiB };
  for (const { title, run } of checkDriver(() => workers('web', set), budgets)) test(title, run);
  test('cluster: no request has failed in all of it', async (t) => {
    await load.end();
    await set.close();
    t.diagnostic(`${load.served} requests`);
    assert.deepEqual(load.failures, []);
  });
});
