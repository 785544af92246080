// The heap of an isolate as a pool: what fixed it, what it would be now and what mends it, on runtimes as
// they are told; and what it says of real ones: this process, a worker, and processes with flags.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { describe, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { getHeapStatistics } from 'node:v8';
import { Worker } from 'node:worker_threads';
import { makeCgroup, noCgroup } from '../../test/real-cgroup.ts';
import { ROOT } from '../../test/repository.ts';
import { GiB, MiB } from '../core/bytes.ts';
import type { Limit, PhysicalMemory } from '../core/memory.ts';
import { type Pool, sayShort } from '../core/pool.ts';
import { memoryOf as anyMemory } from '../testing/check-driver-memory.ts';
import { type NodeRuntime, nodeHeap, readNodeHeap } from './node-heap.ts';

const started: NodeRuntime = {
  version: '24.21.0',
  arch: 'x64',
  heapLimitBytes: 560 * MiB,
  pid: 412,
  threadId: 0,
  execArgv: [],
  nodeOptions: '',
};

function memoryOf(ownLimit: Limit | null, onlineBytes: number | null = 24 * GiB): PhysicalMemory {
  const level = (name: string, limitBytes: Limit | null) => ({
    name,
    limitBytes,
    file: 'memory.max',
    usedBytes: null,
  });
  return {
    ...anyMemory(0),
    partition: 'cgroup:/app@1',
    presentBytes: null,
    onlineBytes,
    usableBytes: null,
    boundBy: null,
    levels: [level('/app', ownLimit), level('/', GiB / 8), level('machine', onlineBytes)],
  };
}

describe('node heap', () => {
  test('node heap: memory that has grown leaves it short, by what a restart would give', () => {
    const pool = nodeHeap(started, memoryOf(4 * GiB));
    const { now, ifStartedNow, shortBy, fixedBy, changes, owner } = pool;
    assert.deepEqual([now, ifStartedNow], [560 * MiB, { amount: 2240 * MiB, exact: true }]);
    assert.deepEqual([shortBy, fixedBy, changes, owner], [1680 * MiB, 'its start', 'restart', 'pid 412']);
    assert.match(pool.mend, /^Restart the process: /);
    assert.match(pool.reserve, /--max-old-space-size=N/);
    assert.equal(sayShort(pool), 'node heap 560 MiB, 1.64 GiB short (its start)');
  });

  test('node heap: it is not short of memory that it was started with, or that has shrunk', () => {
    for (const limitBytes of [GiB, 512 * MiB]) {
      const pool = nodeHeap(started, memoryOf(limitBytes));
      assert.deepEqual([pool.shortBy, sayShort(pool)], [0, null]);
    }
    assert.equal(nodeHeap(started, memoryOf(512 * MiB)).ifStartedNow?.amount, 259 * MiB);
  });

  test('node heap: Node sees its own cgroup and the machine, not the levels between', () => {
    assert.equal(nodeHeap(started, memoryOf('max')).ifStartedNow?.amount, 4288 * MiB);
    assert.equal(nodeHeap(started, memoryOf(64 * GiB, 2 * GiB)).ifStartedNow?.amount, 1120 * MiB);
  });

  test('node heap: what cannot be read is not known, and not short', () => {
    for (const memory of [memoryOf(null), memoryOf('max', null)]) {
      const pool = nodeHeap(started, memory);
      assert.deepEqual([pool.ifStartedNow, pool.shortBy, sayShort(pool)], [null, null, null]);
    }
    assert.equal(nodeHeap({ ...started, arch: 'arm' }, memoryOf(GiB)).ifStartedNow, null);
  });

  test('node heap: a size given by a flag is named as what fixed it, with its place', () => {
    const given = { ...started, execArgv: ['--max_old_space_size=512'] };
    const pool = nodeHeap(given, memoryOf(4 * GiB));
    assert.equal(pool.fixedBy, '--max_old_space_size=512');
    assert.match(pool.mend, /^Start Node without --max_old_space_size=512, or with a larger one/);
    const both = { ...given, execArgv: [], nodeOptions: '--enable-source-maps --max-old-space-size=512' };
    assert.equal(nodeHeap(both, memoryOf(4 * GiB)).fixedBy, '--max-old-space-size=512 in NODE_OPTIONS');
    assert.equal(sayShort(pool), 'node heap 560 MiB, 1.64 GiB short (--max_old_space_size=512)');
  });

  test('node heap: a share of memory goes before a size, and a restart follows memory', () => {
    const nodeOptions = '--max-old-space-size-percentage=75';
    const given = { ...started, nodeOptions, execArgv: ['--max-old-space-size=100'] };
    const pool = nodeHeap(given, memoryOf(2 * GiB));
    assert.deepEqual(pool.ifStartedNow, { amount: 1632 * MiB, exact: true });
    assert.equal(pool.fixedBy, `${nodeOptions} in NODE_OPTIONS`);
    assert.match(pool.mend, /^Restart the process/);
  });

  test('node heap: a version that was not measured gives an estimate', () => {
    const pool = nodeHeap({ ...started, version: '25.0.0' }, memoryOf(4 * GiB));
    assert.equal(pool.ifStartedNow?.exact, false);
  });
});

/** The pool as another isolate tells it. */
const TELL = `
import { readNodeHeap } from ${JSON.stringify(pathToFileURL(`${ROOT}/src/pools/node-heap.ts`).href)};
const [pool] = readNodeHeap({ memory: JSON.parse(process.env.MEMORY) });
`;

function told(flags: readonly string[], memory: PhysicalMemory, folder: string): Pool {
  const script = `${TELL} console.log(JSON.stringify(pool));`;
  const args = ['-c', `echo $$ > '${folder}/cgroup.procs' && exec "$@"`, 'heap', process.execPath];
  const { NODE_OPTIONS: _, ...env } = process.env;
  const run = spawnSync('sh', [...args, ...flags, '--input-type=module', '-e', script], {
    encoding: 'utf8',
    env: { ...env, MEMORY: JSON.stringify(memory) },
  });
  assert.equal(run.status, 0, run.stderr);
  return JSON.parse(run.stdout) as Pool;
}

describe('node heap: real isolates', () => {
  test('node heap: this process tells the limit that V8 has', () => {
    const [pool] = readNodeHeap({ memory: memoryOf('max') });
    assert.deepEqual([pool?.now, pool?.name], [getHeapStatistics().heap_size_limit, 'node heap']);
  });

  test('node heap: a worker says that it is a worker', async () => {
    const post = "(await import('node:worker_threads')).parentPort.postMessage(pool)";
    const script = `${TELL} ${post};`;
    const worker = new Worker(new URL(`data:text/javascript,${encodeURIComponent(script)}`), {
      env: { MEMORY: JSON.stringify(memoryOf(4 * GiB)) },
      resourceLimits: { maxOldGenerationSizeMb: 100, maxYoungGenerationSizeMb: 12 },
    });
    const [pool] = (await once(worker, 'message')) as [Pool];
    assert.equal(pool.now, 112 * MiB);
    assert.match(pool.name, /^node heap of worker thread \d+$/);
    assert.match(pool.owner, new RegExp(`^thread \\d+ of pid ${process.pid}$`));
    assert.equal(pool.ifStartedNow?.exact, false);
    assert.match(pool.mend, /^Start a new Worker/);
    await worker.terminate();
  });

  test('node heap: a process that is started after the change has what it was said to get', {
    skip: noCgroup,
  }, (t) => {
    const { folder, writeLimit } = makeCgroup(t, GiB);
    const grown = memoryOf(2 * GiB);
    const before = told([], grown, folder);
    writeLimit(2 * GiB);
    const after = told([], grown, folder);
    assert.ok(Number(before.shortBy) > 0);
    assert.deepEqual([after.now, after.shortBy], [before.ifStartedNow?.amount, 0]);
    const share = told(['--max-old-space-size-percentage=75'], grown, folder);
    assert.deepEqual([share.now, share.ifStartedNow?.exact], [share.ifStartedNow?.amount, true]);
    const fixed = told(['--max-old-space-size=200'], grown, folder);
    assert.equal(fixed.fixedBy, '--max-old-space-size=200');
    assert.ok(Number(fixed.shortBy) > 0);
  });
});
