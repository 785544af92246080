// Real Piscina, whose threads are exchanged while tasks run and wait: none is lost, none runs twice, and each
// new thread has the heap that its budget gives it.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { after, before, describe, type TestContext, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { Piscina } from 'piscina';
import { ROOT } from '../../test/repository.ts';
import { until } from '../../test/until.ts';
import { MiB } from '../core/bytes.ts';
import type { Driver, DriverState, ResizeContext } from '../core/driver.ts';
import { checkDriver } from '../testing/check-driver.ts';
import { memoryOf } from '../testing/check-driver-memory.ts';
import { openPiscina, type PiscinaGiven, type PiscinaOptions, type PiscinaPool } from './piscina.ts';
import { workers } from './workers.ts';

const TASK = join(ROOT, 'test/fixtures/workers/task.ts');
const BESIDE = 16 * MiB;

interface Task {
  readonly id: number;
  readonly ms: number;
}

interface Done {
  readonly id: number;
  readonly thread: number;
  readonly heapBytes: number;
}

const open = (given: PiscinaGiven) => new Piscina<Task, Done>({ filename: TASK, ...given });

async function opened(t: TestContext, over: Partial<PiscinaOptions<ReturnType<typeof open>>> = {}) {
  const pool = await openPiscina({ open, count: 3, ...over });
  t.after(() => pool.close());
  return { pool, driver: workers('thumbnails', pool.workers) };
}

const context = (): ResizeContext => ({
  changeId: 1,
  phase: 'arrival',
  deadlineMs: 30_000,
  signal: new AbortController().signal,
});

const read = (driver: Driver): Promise<DriverState> => driver.read(new AbortController().signal);

async function resize(driver: Driver, bytes: number): Promise<DriverState> {
  await driver.resize({ bytes, memory: memoryOf(bytes) }, context());
  return until(async () => {
    const state = await read(driver);
    return state.moving === undefined && state;
  }, `the move to ${bytes}`);
}

describe('piscina', () => {
  test('piscina: threads are exchanged one by one, and no task is lost or runs twice', async (t) => {
    const { pool, driver } = await opened(t);
    const results: Done[] = [];
    const failures: unknown[] = [];
    let ids = 0;
    let ends = false;
    let most = 0;
    const ask = async () => {
      while (!ends) {
        ids += 1;
        await pool.run({ id: ids, ms: ids % 9 }).then(
          (done) => results.push(done),
          (error: unknown) => failures.push(error),
        );
        most = Math.max(most, pool.workers.costBytes);
      }
    };
    // Twelve tasks for three threads: there are always some that wait.
    const clients = Array.from({ length: 12 }, ask);
    let before = 0;
    for (const budget of [576, 288, 960, 192].map((mib) => mib * MiB)) {
      most = 0;
      const state = await resize(driver, budget);
      assert.equal(state.costBytes, budget);
      assert.ok(most <= Math.max(before, budget), `${most} bytes on the way from ${before} to ${budget}`);
      const since = results.length;
      await until(() => results.length >= since + 30, 'the new threads work');
      const heaps = new Set(results.slice(since + 3, since + 30).map(({ heapBytes }) => heapBytes));
      assert.deepEqual([...heaps], [budget / 3 - BESIDE]);
      before = budget;
    }
    ends = true;
    await Promise.all(clients);
    assert.deepEqual(failures, []);
    assert.equal(results.length, ids);
    assert.equal(new Set(results.map(({ id }) => id)).size, ids);
    assert.ok(new Set(results.map(({ thread }) => thread)).size >= 12, 'threads were exchanged');
  });

  test('piscina: a budget below one of each thread makes fewer of them, never smaller ones', async (t) => {
    const { pool, driver } = await opened(t);
    assert.equal((await resize(driver, 3 * 64 * MiB)).settings[0]?.value, '3');
    const { settings, costBytes } = await resize(driver, 150 * MiB);
    assert.deepEqual(
      settings.map(({ value }) => value),
      ['2', String(64 * MiB)],
    );
    assert.equal(costBytes, pool.piscinas.length * 64 * MiB);
    await assert.rejects(resize(driver, 63 * MiB), { code: 'HOTADD_REFUSED', floorBytes: 64 * MiB });
  });

  test('piscina: a heap that was too small for a task is large enough after memory has grown', async (t) => {
    const { pool, driver } = await opened(t, { count: 1 });
    const fill = () => pool.run({ id: 0, ms: 0, mib: 200 } as Task, { name: 'fill' });
    await assert.rejects(fill(), { code: 'ERR_WORKER_OUT_OF_MEMORY' });
    await resize(driver, 400 * MiB);
    assert.equal(await fill(), 200);
    const { heldBytes } = await read(driver);
    assert.ok(Number(heldBytes) > 0 && Number(heldBytes) < 400 * MiB, `${heldBytes}`);
  });

  test('piscina: a thread that works keeps its task, and the others do not wait for it', async (t) => {
    const endless = new AbortController();
    t.after(() => endless.abort());
    const { pool, driver } = await opened(t);
    await resize(driver, 3 * 64 * MiB);
    const long = pool.run({ id: 0, ms: 1e9 }, { signal: endless.signal });
    const ended = assert.rejects(long, { name: 'AbortError' });
    let ends = false;
    const short = Array.from({ length: 4 }, async () => {
      while (!ends) await pool.run({ id: 1, ms: 5 });
    });
    await driver.resize({ bytes: 3 * 96 * MiB, memory: memoryOf(0) }, context());
    const exchanged = `${96 * MiB},${96 * MiB}`;
    await until(() => pool.workers.sizes.join() === exchanged, 'the others are exchanged');
    const { moving, why, costBytes } = await read(driver);
    assert.deepEqual([costBytes, moving?.toBytes], [(64 + 96 + 96) * MiB, 3 * 96 * MiB]);
    assert.equal(why?.held, '1 of its workers ends its work before it leaves');
    endless.abort();
    await ended;
    await pool.workers.settled();
    assert.deepEqual(pool.workers.sizes, [96 * MiB, 96 * MiB, 96 * MiB]);
    ends = true;
    await Promise.all(short);
  });

  test('piscina: a task that waits can be aborted, and closing waits for those that do', async (t) => {
    const { pool } = await opened(t, { count: 1 });
    const controller = new AbortController();
    const first = pool.run({ id: 1, ms: 30 });
    const second = pool.run({ id: 2, ms: 1 });
    const third = pool.run({ id: 3, ms: 1 }, { signal: controller.signal });
    assert.equal(pool.queueSize, 2);
    controller.abort(new Error('not wanted any more'));
    await assert.rejects(third, /not wanted any more/);
    const closed = pool.close();
    await assert.rejects(pool.run({ id: 4, ms: 0 }), { code: 'HOTADD_CLOSED' });
    assert.deepEqual([(await first).id, (await second).id], [1, 2]);
    await closed;
    assert.equal(pool.piscinas.length, 0);
  });

  test('piscina: options that hotadd gives and that are overruled are found out', async () => {
    const two = (given: PiscinaGiven) =>
      new Piscina({ filename: TASK, ...given, minThreads: 2, maxThreads: 2 });
    const opening = openPiscina({ open: two, count: 1 });
    await assert.rejects(opening, { code: 'HOTADD_BAD_DRIVER', message: /of 2 threads; write new Piscina/ });
  });

  test('piscina: one that is opened without what is given is found out, with the mend', async () => {
    const open = () => new Piscina({ filename: TASK, minThreads: 1, maxThreads: 1 });
    const message =
      /, not 48 MiB; start it with what it is given: new Piscina\(\{ filename, \.\.\.given \}\)/;
    await assert.rejects(openPiscina({ open, count: 1 }), { code: 'HOTADD_UNSUPPORTED', message });
  });

  test('piscina: a flag of the process that goes before resourceLimits is found out, with the mend', () => {
    const url = (path: string) => JSON.stringify(pathToFileURL(join(ROOT, path)).href);
    const script = `
      import { setFlagsFromString } from 'node:v8';
      import { Piscina } from 'piscina';
      import { openPiscina } from ${url('src/workers/piscina.ts')};
      const open = (given) => new Piscina({ filename: ${JSON.stringify(TASK)}, ...given });
      const error = await openPiscina({ open, count: 1 }).catch((thrown) => thrown);
      console.log(error.message);
      setFlagsFromString('--max-old-space-size=0');
      const pool = await openPiscina({ open, count: 1 });
      console.log((await pool.run({ id: 1, ms: 0 })).heapBytes);
      await pool.close();
    `;
    const flags = ['--max-old-space-size=300', '--input-type=module', '-e', script];
    const { stdout, stderr } = spawnSync(process.execPath, flags, { cwd: ROOT, encoding: 'utf8' });
    assert.match(
      stdout,
      /^a new worker has a heap of \d+ MiB, not 48 MiB; start it .*\. Where it is, --max-old-space-size/,
      stderr,
    );
    assert.equal(stdout.trim().split('\n').at(-1), String(48 * MiB));
  });
});

describe('piscina: it is a driver', () => {
  let pool: PiscinaPool<ReturnType<typeof open>>;
  before(async () => {
    pool = await openPiscina({ open, count: 2 });
  });
  after(() => pool.close());
  const use = async (signal: AbortSignal) => {
    while (!signal.aborted) await pool.run({ id: 1, ms: 1 });
  };
  const budgets = { smallBytes: 160 * MiB, largeBytes: 640 * MiB };
  for (const { title, run } of checkDriver(() => workers('thumbnails', pool.workers), { ...budgets, use })) {
    test(title, run);
  }
});
