// Workers of an author's own: real threads of node:worker_threads, started with the heap that they are given
// and asked by a message to end; and what the set does when one cannot start, dies, or does not leave.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type TestContext, test } from 'node:test';
import { Worker } from 'node:worker_threads';
import { until } from '../../test/until.ts';
import { MiB } from '../core/bytes.ts';
import { memoryOf } from '../testing/check-driver-memory.ts';
import { openCluster } from './cluster.ts';
import { openPiscina } from './piscina.ts';
import { threadHeap } from './thread-heap.ts';
import { type WorkerHeap, withoutHeapFlags, workerHeap } from './worker-heap.ts';
import type { RunningWorker, WorkersOptions } from './worker-options.ts';
import { openWorkers, WorkerSet } from './worker-set.ts';
import { workers } from './workers.ts';

/** A thread that ends when it is told to, and dies when it is told so. */
const CODE = `
  const { parentPort } = require('node:worker_threads');
  parentPort.on('message', (message) => {
    if (message === 'die') process.exit(1);
    if (message === 'fill') return void (globalThis.kept = new Uint8Array(160 * 2 ** 20).fill(1));
    parentPort.close();
  });
`;

class Threads {
  readonly live: { worker: Worker; heap: WorkerHeap }[] = [];
  fails: string | null = null;
  /** Holds back whoever leaves. */
  leaves: Promise<void> = Promise.resolve();
  most = 0;

  readonly start = async (heap: WorkerHeap): Promise<RunningWorker> => {
    if (this.fails !== null) throw new Error(this.fails);
    const worker = new Worker(CODE, { eval: true, resourceLimits: heap.resourceLimits });
    await once(worker, 'online');
    const one = { worker, heap };
    this.live.push(one);
    this.most = Math.max(this.most, this.live.length);
    const gone = once(worker, 'exit').then(() => {
      this.live.splice(this.live.indexOf(one), 1);
    });
    const stop = async () => {
      await this.leaves;
      worker.postMessage('end');
      await gone;
    };
    return { stop, gone, heap: () => threadHeap(worker) };
  };
}

async function opened(t: TestContext, over: Partial<WorkersOptions> = {}) {
  const threads = new Threads();
  const set = await openWorkers({ start: threads.start, count: 3, leastCount: 2, ...over });
  t.after(() => set.close());
  return { threads, set };
}

const context = {
  changeId: 1,
  phase: 'arrival' as const,
  deadlineMs: 30_000,
  signal: new AbortController().signal,
};

test('workers: they open at their floor, and are exchanged for what a budget has room for', async (t) => {
  const { threads, set } = await opened(t);
  assert.deepEqual(set.sizes, [64 * MiB, 64 * MiB]);
  const first = threads.live.map(({ worker }) => worker);
  set.want(set.fit(300 * MiB));
  await set.settled();
  assert.deepEqual(set.sizes, [96 * MiB, 96 * MiB, 96 * MiB]);
  assert.deepEqual(
    threads.live.map(({ heap }) => heap.limitBytes),
    [80 * MiB, 80 * MiB, 80 * MiB],
  );
  assert.ok(threads.live.every(({ worker }) => !first.includes(worker)));
  await set.close();
  assert.deepEqual([threads.live.length, set.costBytes], [0, 0]);
  assert.throws(() => set.want(set.fit(300 * MiB)), { code: 'HOTADD_CLOSED' });
});

test('workers: a new one is started first where there is room for both, else the old one goes', async (t) => {
  const { threads, set } = await opened(t, { count: 2 });
  threads.most = 0;
  set.want({ count: 2, bytes: 256 * MiB });
  await set.settled();
  assert.equal(threads.most, 3);
  threads.most = 0;
  set.want({ count: 2, bytes: 64 * MiB });
  await set.settled();
  assert.equal(threads.most, 2);
});

test('workers: one size is a matter of their number alone, and nobody is exchanged', async (t) => {
  const { threads, set } = await opened(t, { count: 4, leastBytes: 100 * MiB, mostBytes: 100 * MiB });
  const before = threads.live.map(({ worker }) => worker);
  assert.equal(set.stepBytes, 100 * MiB);
  set.want(set.fit(390 * MiB));
  await set.settled();
  assert.deepEqual(set.sizes, [100 * MiB, 100 * MiB, 100 * MiB]);
  assert.ok(before.every((worker) => threads.live.some((one) => one.worker === worker)));
});

test('workers: a little more memory exchanges nobody', async (t) => {
  const { set } = await opened(t, { count: 2 });
  const size = set.fit(320 * MiB);
  assert.deepEqual(size, { count: 2, bytes: 160 * MiB });
  assert.deepEqual(set.fit(350 * MiB), size);
});

test('workers: one that cannot be started ends the move, and the next one tries again', async (t) => {
  const { threads, set } = await opened(t);
  const driver = workers('own', set);
  threads.fails = 'no more threads';
  await driver.resize({ bytes: 600 * MiB, memory: memoryOf(600 * MiB) }, context);
  const state = await until(async () => {
    const now = await driver.read(context.signal);
    return now.moving === undefined && now;
  }, 'the move ends');
  assert.equal(state.why?.held, 'no more threads');
  assert.deepEqual(set.sizes, [64 * MiB, 64 * MiB]);
  threads.fails = null;
  await driver.resize({ bytes: 600 * MiB, memory: memoryOf(600 * MiB) }, context);
  await set.settled();
  assert.deepEqual(set.sizes, [192 * MiB, 192 * MiB, 192 * MiB]);
  await assert.rejects(
    openWorkers({ start: () => Promise.reject(new Error('no threads at all')), count: 1 }),
    /no threads at all/,
  );
});

test('workers: one that dies is replaced by one like it', async (t) => {
  const { threads, set } = await opened(t);
  threads.live[0]?.worker.postMessage('die');
  await until(() => set.sizes.length === 1, 'it is gone');
  await until(() => set.sizes.length === 2, 'there is another one');
  assert.deepEqual(set.sizes, [64 * MiB, 64 * MiB]);
});

test('workers: while one does not leave it counts, and what is wanted last wins', async (t) => {
  const { threads, set } = await opened(t, { count: 2 });
  let leave: () => void = () => undefined;
  threads.leaves = new Promise((resolve) => {
    leave = resolve;
  });
  const driver = workers('own', set);
  await driver.resize({ bytes: 512 * MiB, memory: memoryOf(512 * MiB) }, context);
  await until(() => set.running.length === 3, 'a new one beside the old ones');
  const { costBytes, moving, why } = await driver.read(context.signal);
  assert.equal(why?.held, '1 of its workers ends its work before it leaves');
  assert.equal(costBytes, (64 + 64 + 256) * MiB);
  assert.deepEqual(moving, { toBytes: 512 * MiB, note: '2 of 256 MiB, exchanged one by one' });
  await driver.resize({ bytes: 160 * MiB, memory: memoryOf(160 * MiB) }, context);
  leave();
  await set.settled();
  assert.deepEqual(set.sizes, [80 * MiB, 80 * MiB]);
});

test('workers: closing the driver leaves them running, after the step under way', async (t) => {
  const { set } = await opened(t, { count: 2 });
  const driver = workers('own', set);
  await driver.resize({ bytes: 512 * MiB, memory: memoryOf(512 * MiB) }, context);
  await driver.close?.();
  await set.settled();
  assert.equal(set.move, null);
  assert.equal(set.sizes.length, 2);
  const { settings } = await driver.read(context.signal);
  assert.equal(settings[1]?.value, `${64 * MiB} to ${256 * MiB}`);
  await driver.resize({ settings }, context);
  await set.settled();
  assert.deepEqual(set.sizes, [64 * MiB, 64 * MiB]);
});

test('workers: what they hold is asked of V8, and is told as too much when it is', async (t) => {
  const { threads, set } = await opened(t, { count: 2 });
  const driver = workers('own', set);
  const { heldBytes, why } = await driver.read(context.signal);
  assert.ok(Number(heldBytes) > 2 * MiB && Number(heldBytes) < 64 * MiB, `${heldBytes}`);
  assert.equal(why?.held, undefined);
  assert.equal((await driver.read(AbortSignal.abort())).heldBytes, null);
  threads.live[0]?.worker.postMessage('fill');
  const filled = await until(async () => {
    const state = await driver.read(context.signal);
    return Number(state.heldBytes) > state.costBytes && state;
  }, 'it holds more than its heap may');
  assert.match(filled.why?.held ?? '', /^Buffers of its workers/);
});

test('workers: counts and sizes that fit nothing are refused', () => {
  const start = () => Promise.reject(new Error('not asked'));
  for (const [options, problem] of [
    [{ count: 0 }, /1 to 0 workers; give count/],
    [{ count: 2, leastCount: 3 }, /3 to 2 workers/],
    [{ count: 1.5 }, /1 to 1.5 workers/],
    [{ count: 1, leastBytes: 16 * MiB }, /give leastBytes of 32 MiB at least/],
    [{ count: 1, mostBytes: 32 * MiB }, /a mostBytes above it/],
  ] as const) {
    assert.throws(() => new WorkerSet({ start, ...options }), {
      code: 'HOTADD_BAD_AMOUNT',
      message: problem,
    });
  }
});

test('workers: a heap is given to the byte, in the words of threads and of processes', () => {
  for (const mib of [16, 48, 100, 500, 4000]) {
    const { limitBytes, resourceLimits, execArgv } = workerHeap(mib * MiB + 5);
    const { maxOldGenerationSizeMb: old, maxYoungGenerationSizeMb: young } = resourceLimits;
    assert.deepEqual([limitBytes, old + young], [mib * MiB, mib]);
    assert.deepEqual(execArgv, [`--max-old-space-size=${old}`, `--max-semi-space-size=${young / 3}`]);
  }
  const flags = [
    '--max_old_space_size=5',
    '--max-old-space-size-percentage=5',
    '--max-heap-size=5',
    '--inspect',
  ];
  assert.deepEqual(withoutHeapFlags(flags), ['--inspect']);
});

test('workers: what a call cannot do without is named, with what to give', async () => {
  const none = undefined as never;
  const code = 'HOTADD_BAD_USAGE';
  assert.throws(() => workers('x', none), { code, message: /^workers x: a WorkerSet is missing; give the / });
  for (const given of [none, {} as never]) {
    const open = /^openPiscina: open is missing; give open: \(given\) => new Piscina\(/;
    await assert.rejects(openPiscina(given), { code, message: open });
    await assert.rejects(openCluster(given), {
      code,
      message: /^openCluster: cluster is missing; give clus/,
    });
    await assert.rejects(openWorkers(given), { code, message: /^openWorkers: start is missing; give start/ });
  }
});
