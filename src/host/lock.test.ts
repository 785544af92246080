// One applying planner per partition (E6), also over kill -9, clusters, and holders that will not say who
// they are.
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import type { Lock } from '../core/lock.ts';
import { acquireLock } from './lock.ts';

const HOLD = fileURLToPath(new URL('../../test/fixtures/lock/hold.ts', import.meta.url));
const CLUSTER = fileURLToPath(new URL('../../test/fixtures/lock/cluster.ts', import.meta.url));
const someone = () => `machine:${randomUUID()}`;
const linux = { skip: process.platform === 'linux' ? false : 'abstract sockets are a thing of Linux' };

function got(lock: Awaited<ReturnType<typeof acquireLock>>): Lock {
  assert.ok(!('heldBy' in lock), `held by ${JSON.stringify(lock)}`);
  return lock;
}

async function childThatHolds(...args: string[]): Promise<ChildProcess> {
  const child = spawn(process.execPath, [HOLD, ...args], { stdio: ['pipe', 'pipe', 'inherit'] });
  const [said] = await once(child.stdout, 'data');
  assert.equal(String(said).trim(), 'held');
  return child;
}

async function killed(child: ChildProcess): Promise<void> {
  child.kill('SIGKILL');
  await once(child, 'exit');
}

test('lock: the second one hears who holds the partition, and since when (E6)', async () => {
  const identity = someone();
  const first = got(await acquireLock(identity, { program: 'hotadd run' }));
  const second = await acquireLock(identity);
  assert.ok('heldBy' in second);
  assert.equal(second.heldBy.pid, process.pid);
  assert.equal(second.heldBy.program, 'hotadd run');
  assert.ok(Math.abs((second.heldBy.since ?? 0) - Date.now()) < 60_000);
  await first.release();
  await got(await acquireLock(identity)).release();
});

test('lock: two partitions do not hinder each other', async () => {
  const locks = [await acquireLock(someone()), await acquireLock(someone())].map(got);
  for (const lock of locks) await lock.release();
});

test('lock: releasing twice is releasing once', async () => {
  const lock = got(await acquireLock(someone()));
  await Promise.all([lock.release(), lock.release()]);
  await lock.release();
});

test('lock: of many that ask at the same moment, exactly one gets it (E6)', async () => {
  const identity = someone();
  const all = await Promise.all(Array.from({ length: 40 }, () => acquireLock(identity, { program: 'x' })));
  const winners = all.filter((lock): lock is Lock => !('heldBy' in lock));
  assert.equal(winners.length, 1);
  for (const lock of all) if ('heldBy' in lock) assert.equal(lock.heldBy.pid, process.pid);
  await winners[0]?.release();
});

test('lock: kill -9 of the holder frees the partition (E6)', linux, async () => {
  const identity = someone();
  for (let round = 0; round < 5; round += 1) {
    const child = await childThatHolds(identity);
    const seen = await acquireLock(identity);
    assert.deepEqual('heldBy' in seen && [seen.heldBy.pid, seen.heldBy.program], [child.pid, 'a child']);
    await killed(child);
    await got(await acquireLock(identity)).release();
  }
});

test('lock: a holder that does not answer is still a holder (E6)', linux, async () => {
  const identity = someone();
  const child = await childThatHolds(identity, 'mute');
  const seen = await acquireLock(identity, { answerDeadlineMs: 50 });
  assert.deepEqual(seen, { heldBy: { pid: null, program: 'unknown', since: null } });
  await killed(child);
});

test('lock: a stopped holder is still a holder', linux, async () => {
  const identity = someone();
  const child = await childThatHolds(identity);
  child.kill('SIGSTOP');
  const seen = await acquireLock(identity, { answerDeadlineMs: 50 });
  assert.deepEqual(seen, { heldBy: { pid: null, program: 'unknown', since: null } });
  await killed(child);
});

test('lock: nonsense from a stranger who took the name is not passed on to the terminal', linux, async () => {
  for (const [said, program] of [
    ['{"v":1,"pid":7,"program":"a\\u001b[31mb\\nc","since":5}\n', 'a[31mbc'],
    ['not json\n', 'unknown'],
    ['null\n', 'unknown'],
    ['{"v":1,"pid":"x","program":3}\n', 'unknown'],
    ['x'.repeat(10_000), 'unknown'],
    ['', 'unknown'],
  ] as const) {
    const identity = someone();
    const server = createServer((socket) => socket.on('error', () => {}).end(said));
    await once(server.listen(`\0hotadd:${identity}`), 'listening');
    const seen = await acquireLock(identity, { answerDeadlineMs: 200 });
    assert.equal('heldBy' in seen && seen.heldBy.program, program);
    server.close();
  }
});

test('lock: an identity too long for a socket name is told from another just as long', linux, async () => {
  const long = `cgroup:/${'a'.repeat(300)}`;
  const first = got(await acquireLock(`${long}1`));
  const second = got(await acquireLock(`${long}2`));
  assert.ok('heldBy' in (await acquireLock(`${long}1`)));
  await first.release();
  await second.release();
});

test('lock: it does not keep a process alive', async () => {
  const script = `import { acquireLock } from ${JSON.stringify(new URL('./lock.ts', import.meta.url).href)};
    const lock = await acquireLock('${someone()}'); console.log('heldBy' in lock ? 'lost' : 'held');`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [[said], [code]] = await Promise.all([once(child.stdout, 'data'), once(child, 'exit')]);
  assert.deepEqual([String(said).trim(), code], ['held', 0]);
});

test('lock: of the workers of one cluster exactly one gets it (E6)', async () => {
  const child = spawn(process.execPath, [CLUSTER, someone()], { stdio: ['ignore', 'pipe', 'inherit'] });
  const [said] = await once(child.stdout, 'data');
  assert.equal(String(said).trim(), 'held lost lost');
});

test('lock: without abstract sockets it lies in the run folder, and a dead one is replaced', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'hotadd-lock-'));
  const options = { platform: 'darwin', folder: join(folder, 'run'), program: 'x' } as const;
  try {
    const identity = someone();
    const first = got(await acquireLock(identity, options));
    const [name = ''] = await readdir(options.folder);
    const second = await acquireLock(identity, options);
    assert.equal('heldBy' in second && second.heldBy.pid, process.pid);
    await first.release();
    await writeFile(join(options.folder, name), '');
    await got(await acquireLock(identity, options)).release();
    const own = got(await acquireLock(identity, { platform: 'darwin' }));
    assert.ok('heldBy' in (await acquireLock(identity, { platform: 'darwin' })));
    await own.release();
  } finally {
    await rm(folder, { recursive: true });
  }
});

test('lock: processes that share a partition join its holder, and hear when it is gone (E6)', async () => {
  const identity = someone();
  const first = got(await acquireLock(identity, { processes: 3 }));
  const second = got(await acquireLock(identity, { processes: 3 }));
  const third = got(await acquireLock(identity, { processes: 3 }));
  assert.deepEqual(
    [first, second, third].map(({ holderGone }) => holderGone === undefined),
    [true, false, false],
  );
  for (const processes of [1, 2])
    assert.ok('heldBy' in (await acquireLock(identity, { processes })), `${processes}`);
  // One that leaves takes nothing with it.
  await third.release();
  const observer = await acquireLock(identity);
  assert.equal('heldBy' in observer && observer.heldBy.processes, 3);
  await Promise.all([first.release(), second.holderGone]);
  await got(await acquireLock(identity)).release();
});

test(
  'lock: of the processes that share a partition one takes it when the holder is killed',
  linux,
  async () => {
    const identity = someone();
    const child = await childThatHolds(identity, 'shared');
    const joined = await Promise.all([1, 2, 3].map(() => acquireLock(identity, { processes: 2 })));
    const gone = Promise.all(joined.map((lock) => got(lock).holderGone));
    await killed(child);
    await gone;
    const again = (await Promise.all([1, 2, 3].map(() => acquireLock(identity, { processes: 2 })))).map(got);
    assert.equal(again.filter(({ holderGone }) => holderGone === undefined).length, 1);
    for (const lock of again) await lock.release();
  },
);
