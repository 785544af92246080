// The rules of notification that apply to a cgroup, on real ones of this machine: a limit that is raised is
// memory that is added. Only processes that the test started are moved, and only limits of its own are set.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { describe, type TestContext, test } from 'node:test';
import { MiB } from '../../src/core/bytes.ts';
import type { News } from '../../src/core/change.ts';
import { openPartition } from '../../src/partition/open.ts';
import { DriverSim } from '../../src/testing/driver-sim.ts';
import { makeCgroup, noCgroup, type RealCgroup } from '../real-cgroup.ts';
import { until } from '../until.ts';

async function openReal(t: TestContext, limitBytes = 64 * MiB) {
  const group = makeCgroup(t, limitBytes);
  const options = { partition: `cgroup:${group.path}`, apply: true, reserve: 0 };
  const partition = await openPartition(options);
  t.after(() => partition.close());
  const news: News[] = [];
  partition.onChange((each) => void news.push(each));
  const heard = (count: number) => until(() => news.length >= count, `${count} pieces of news`);
  return { group, partition, news, heard };
}

/**
 * A change that is heard comes after all that was under way before it: what was not heard by then never is.
 */
async function settle(group: RealCgroup, heard: (count: number) => Promise<true>, before: number) {
  group.writeLimit(group.readLimit() + 64 * MiB);
  await heard(before + 1);
}

/** Takes memory in the group and ends, with nothing else of this process running meanwhile. */
function takes(group: RealCgroup, sizeMiB: number): { killed: boolean } {
  const script = `echo $$ > '${group.folder}/cgroup.procs' && exec "$@"`;
  const alloc = `Buffer.alloc(${sizeMiB * MiB}, 1)`;
  const args = ['-c', script, 'take', process.execPath, '-e', alloc];
  const { signal, status } = spawnSync('sh', args, { stdio: 'ignore', timeout: 60_000 });
  return { killed: signal === 'SIGKILL' || status === 137 };
}

describe('notification on real cgroups', { skip: noCgroup }, () => {
  test('N1: a limit raised at any moment is memory at once, and heard of once', async (t) => {
    const { group, partition, news, heard } = await openReal(t);
    for (let count = 1; count <= 5; count += 1) {
      group.writeLimit((64 + 64 * count) * MiB);
      assert.equal(partition.memory.usableBytes, (64 + 64 * count) * MiB);
      await heard(count);
    }
    assert.deepEqual(
      news.map(({ kind }) => kind),
      new Array(5).fill('grow'),
    );
  });

  test('N2: a limit raised in one cgroup never shows in another', async (t) => {
    const own = await openReal(t);
    const other = await openReal(t);
    own.group.writeLimit(128 * MiB);
    await own.heard(1);
    assert.equal(other.partition.memory.usableBytes, 64 * MiB);
    await settle(other.group, other.heard, 0);
    assert.equal(other.news.length, 1);
    assert.equal(own.partition.memory.usableBytes, 128 * MiB);
  });

  test('N8: memory can be taken by anyone before any listener hears of it', async (t) => {
    const { group, news, heard } = await openReal(t);
    assert.deepEqual([takes(group, 160), news.length], [{ killed: true }, 0]);
    const kills = group.readKills();
    group.writeLimit(512 * MiB);
    // The process runs to its end before this one goes on: nobody can have been called.
    assert.deepEqual([takes(group, 160), news.length], [{ killed: false }, 0]);
    assert.equal(group.readKills(), kills);
    await heard(1);
  });

  test('N10: a limit outlasts whoever watched it, and is what is found at the next start', async (t) => {
    const { group, partition, heard } = await openReal(t);
    group.writeLimit(128 * MiB);
    await heard(1);
    await partition.close();
    const next = await openPartition({ partition: `cgroup:${group.path}`, apply: true });
    t.after(() => next.close());
    assert.equal(next.memory.usableBytes, 128 * MiB);
  });

  test('N11: with existing, what is there is told once, then what comes', async (t) => {
    const { group, partition, news, heard } = await openReal(t);
    group.writeLimit(128 * MiB);
    await heard(1);
    const late: News[] = [];
    const replayed: string[] = [];
    partition.onChange((each) => void late.push(each));
    partition.onChange(({ cause }) => void replayed.push(cause), { existing: true });
    await settle(group, heard, 1);
    await until(() => replayed.length >= 2, 'both are heard');
    assert.deepEqual([late.length, replayed.length, replayed[0]], [1, 2, 'existing']);
    assert.equal(news.length, 2);
  });

  test('N12: after unregister has resolved no callback of that registration runs', async (t) => {
    const { group, partition, heard } = await openReal(t);
    let calls = 0;
    let release = () => {};
    const registration = partition.onChange(async () => {
      calls += 1;
      await new Promise<void>((resolve) => {
        release = resolve;
      });
    });
    await settle(group, heard, 0);
    await settle(group, heard, 1);
    let left = false;
    const unregistered = registration.unregister().then(() => {
      left = true;
    });
    await settle(group, heard, 2);
    assert.deepEqual([calls, left], [1, false]);
    release();
    await unregistered;
    await settle(group, heard, 3);
    assert.equal(calls, 1);
  });

  test('N14: who registers during a delivery hears the next news, and not this one', async (t) => {
    const { group, partition, heard } = await openReal(t);
    const next: number[] = [];
    partition.onChange((_news, context) => {
      context.unregister();
      partition.onChange(({ changeId }) => void next.push(changeId));
    });
    await settle(group, heard, 0);
    await settle(group, heard, 1);
    await until(() => next.length > 0, 'the next is heard');
    assert.deepEqual(next, [2]);
  });

  test('N16: a listener that does not return delays no other, and is named', async (t) => {
    const { group, partition, heard } = await openReal(t);
    let release = () => {};
    const registration = partition.onChange(function thumbnails() {
      return new Promise<void>((resolve) => {
        release = resolve;
      });
    });
    for (const before of [0, 1, 2]) await settle(group, heard, before);
    const named = () => partition.registry.slowListeners(0).map(({ name }) => name);
    await until(() => named().includes('thumbnails'), 'it is named');
    const left = registration.unregister();
    release();
    await left;
  });

  test('N17: an error at an arrival vetoes nothing, and is recorded by name', async (t) => {
    const { group, partition, heard } = await openReal(t);
    const driver = new DriverSim('cache', { sizeBytes: 10 * MiB });
    partition.register(driver);
    partition.onChange(function throws() {
      throw new Error('not my day');
    });
    await settle(group, heard, 0);
    await until(() => driver.sizeBytes > 64 * MiB, 'the driver has grown');
    assert.equal(group.readLimit(), 128 * MiB);
    assert.deepEqual(partition.registry.listenerErrors(), [{ name: 'throws', error: 'not my day' }]);
  });

  test('N18: the news carries no amount, and memory shows the new total in the callback', async (t) => {
    const { group, partition, news, heard } = await openReal(t);
    const seen: (number | null)[] = [];
    partition.onChange(() => void seen.push(partition.memory.usableBytes));
    await settle(group, heard, 0);
    await until(() => seen.length > 0, 'it is seen');
    assert.deepEqual(seen, [128 * MiB]);
    assert.deepEqual(Object.keys(news[0] ?? {}).sort(), ['cause', 'changeId', 'kind', 'phase']);
    assert.match(news[0]?.cause ?? '', /^memory\.(max|limit_in_bytes) of \/hotadd-test/);
  });

  test('N19: limits written back to back are never counted twice', async (t) => {
    const { group, partition, news, heard } = await openReal(t);
    const driver = new DriverSim('cache', { sizeBytes: 10 * MiB });
    partition.register(driver);
    for (const sizeMiB of [128, 128, 192, 192, 192]) group.writeLimit(sizeMiB * MiB);
    // 192 MiB less the headroom of 16 MiB.
    await until(() => driver.sizeBytes > 175 * MiB, 'the driver has followed');
    await settle(group, heard, news.length);
    await until(() => driver.sizeBytes > 239 * MiB, 'the driver has followed again');
    assert.ok(driver.sizeBytes <= 240 * MiB, `${driver.sizeBytes / MiB} MiB`);
    assert.deepEqual([partition.memory.usableBytes, news.length], [256 * MiB, 2]);
  });

  test('N19: the same limit written again is no news', async (t) => {
    const { group, news, heard } = await openReal(t);
    for (let count = 0; count < 10; count += 1) group.writeLimit(64 * MiB);
    await settle(group, heard, 0);
    assert.equal(news.length, 1);
  });

  test('N20: a limit that is lowered is told apart from one that is raised', async (t) => {
    const { group, news, heard } = await openReal(t, 256 * MiB);
    group.writeLimit(128 * MiB);
    await heard(1);
    group.writeLimit(256 * MiB);
    await heard(2);
    assert.deepEqual(
      news.map(({ kind }) => kind),
      ['shrink', 'grow'],
    );
  });

  test('N21: memory that is used and given back is never a change', async (t) => {
    const { group, partition, news, heard } = await openReal(t, 256 * MiB);
    const child = await group.hold(150 * MiB);
    await until(() => group.readUsage() > 150 * MiB, 'it is in use');
    assert.equal(partition.memory.usableBytes, 256 * MiB);
    child.kill('SIGKILL');
    await until(() => group.readUsage() < 100 * MiB, 'it is given back');
    await settle(group, heard, 0);
    assert.deepEqual(
      news.map(({ cause }) => /^memory\./.test(cause)),
      [true],
    );
  });
});
