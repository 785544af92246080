// A cluster of real processes in one real cgroup (E6): each takes its share, one holds the lock for all, and
// when that one is killed the others go on.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { cpSync } from 'node:fs';
import { join } from 'node:path';
import { before, type TestContext, test } from 'node:test';
import { MiB } from '../../src/core/bytes.ts';
import { HotaddError } from '../../src/core/errors.ts';
import { openPartition } from '../../src/partition/open.ts';
import { authorProject, buildPackage } from '../author-project.ts';
import { makeCgroup, noCgroup, type RealCgroup } from '../real-cgroup.ts';
import { ROOT } from '../repository.ts';
import { until } from '../until.ts';

const WORKERS = 3;

interface Said {
  readonly pid: number;
  readonly applies: boolean;
  readonly size: number;
  readonly usableBytes: number;
}

before(buildPackage);

/** The primary and its workers, all in the cgroup; `said` is the last word of each worker. */
function startCluster(t: TestContext, group: RealCgroup) {
  const folder = authorProject(t, ['koffi']);
  cpSync(join(ROOT, 'test/e2e/author'), folder, { recursive: true });
  const enter = `echo $$ > '${group.folder}/cgroup.procs' && exec "$@"`;
  const command = ['-c', enter, 'enter', process.execPath, 'cluster.js', `${WORKERS}`];
  const primary = spawn('sh', command, { cwd: folder, stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
  t.after(() => primary.kill('SIGKILL'));
  const said = new Map<number, Said>();
  primary.on('message', (word) => said.set((word as Said).pid, word as Said));
  const ended = new Promise((resolve) => primary.once('exit', resolve));
  const all = (usableBytes: number, count: number) =>
    until(() => {
      const words = [...said.values()].filter((word) => word.usableBytes === usableBytes && word.size > 0);
      return words.length === count && words;
    }, `${count} workers have a size for ${usableBytes}`);
  return { primary, said, ended, all };
}

/**
 * Who holds the lock for all, as a stranger is told; `null`: nobody, or one that gave no answer, which is so
 * while a holder is being killed.
 */
async function holderOf(group: RealCgroup): Promise<number | null> {
  const stranger = await openPartition({ partition: `cgroup:${group.path}`, apply: true }).catch((e) => e);
  if (!(stranger instanceof HotaddError)) return stranger.close().then(() => null);
  const pid = /pid (\d+), .*for 3 processes/.exec(stranger.message)?.[1];
  return pid === undefined ? null : Number(pid);
}

test('cluster: each takes its share, and goes on when the holder is killed', {
  skip: noCgroup,
}, async (t) => {
  const group = makeCgroup(t, 1024 * MiB);
  const { primary, said, ended, all } = startCluster(t, group);
  const first = await all(1024 * MiB, WORKERS);
  const sum = first.reduce((bytes, { size }) => bytes + size, 0);
  // What the processes take without their buffers is in the reserve, or measured.
  assert.ok(sum > 400 * MiB && sum < 0.8 * 1024 * MiB, `${sum / MiB} MiB`);

  const holder = (await holderOf(group)) ?? assert.fail('no worker holds it');
  assert.ok(said.has(holder), 'one of the workers');
  process.kill(holder, 'SIGKILL');
  said.delete(holder);
  group.writeLimit(2048 * MiB);
  const grown = await all(2048 * MiB, WORKERS - 1);
  for (const { pid, applies, size } of grown) {
    assert.equal(applies, true);
    assert.ok(size > 1.5 * (first.find((word) => word.pid === pid)?.size ?? 0), `${size / MiB} MiB`);
  }
  const next = await until(() => holderOf(group), 'somebody holds it');
  assert.ok(said.has(next), 'another worker');

  primary.send('fork');
  await all(2048 * MiB, WORKERS);
  primary.send('close');
  assert.equal(await ended, 0);
  assert.equal(await holderOf(group), null);
});
