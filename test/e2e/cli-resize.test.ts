// `hotadd resize` and `release` on a real cgroup, with a real Redis in it: one-shot and through the agent.
import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { ownFolder, runCli, startCli } from '../golden/cli-process.ts';
import { assertDocumented } from '../golden/cli-reference.ts';
import { makeCgroup, noCgroup, type RealCgroup } from '../real-cgroup.ts';
import { noRedis, type RealRedis, startRedis } from '../real-redis.ts';
import { until } from '../until.ts';

const MiB = 2 ** 20;

function place(group: RealCgroup, apply: boolean, drivers = ''): { home: string; cwd: string } {
  const home = ownFolder();
  const cwd = join(home, 'here');
  mkdirSync(cwd);
  const folders = `state: ${home}/state\nrun: ${home}/run\n`;
  const text = `version: 1\npartition: cgroup:${group.path}\napply: ${apply}\n${folders}${drivers}`;
  writeFileSync(join(cwd, 'hotadd.yaml'), text, { mode: 0o600 });
  return { home, cwd };
}

test('resize: without apply nothing is changed; with --apply it is done', { skip: noCgroup }, async (t) => {
  const group = makeCgroup(t, 512 * MiB);
  const here = place(group, false);
  const refused = await runCli(['resize', '384MiB'], here);
  assert.equal(refused.code, 1);
  assert.match(
    refused.stderr,
    /^hotadd: hotadd\.yaml: apply is false, so nothing is changed; add --apply, or/,
  );
  assert.equal(group.readLimit(), 512 * MiB);
  const done = await runCli(['resize', '384MiB', '--apply'], here);
  assert.deepEqual({ code: done.code, stderr: done.stderr }, { code: 0, stderr: '' });
  assert.match(done.stdout, /^-128 MiB \(512 MiB -> 384 MiB, memory\.\S+ of \S+\): [^\n]+\n$/);
  assert.equal(group.readLimit(), 384 * MiB);
});

test('resize: --partition needs no configuration, and bytes go down to a page', {
  skip: noCgroup,
}, async (t) => {
  const group = makeCgroup(t, 256 * MiB);
  const home = ownFolder();
  const named = ['--partition', `cgroup:${group.path}`, '--apply', '--json'];
  const config = join(home, 'hotadd.yaml');
  writeFileSync(config, `version: 1\nstate: ${home}/state\nrun: ${home}/run\n`, { mode: 0o600 });
  const { code, stdout } = await runCli(['resize', String(300 * MiB + 4095), ...named, '--config', config], {
    home,
  });
  assert.equal(code, 0);
  assertDocumented(stdout);
  const { schema, v, result, change } = JSON.parse(stdout);
  assert.deepEqual([schema, v, result, change.toBytes], ['hotadd.outcome/1', 1, 'done', 300 * MiB]);
  assert.equal(group.readLimit(), 300 * MiB);
});

test('resize: a shrink below what is in use fails with 1, and the limit stays', {
  skip: noCgroup,
}, async (t) => {
  const group = makeCgroup(t, 512 * MiB);
  await group.hold(300 * MiB);
  const { code, stdout } = await runCli(['resize', '200MiB'], place(group, true));
  assert.equal(code, 1);
  assert.match(stdout, /^-312 MiB \(512 MiB -> 200 MiB, memory\.\S+ of \S+\): (?:refused|failed): /);
  assert.equal(group.readLimit(), 512 * MiB);
  assert.equal(group.readKills(), 0);
});

const skip = noCgroup || noRedis;

test('resize: through the agent Redis shrinks first, and release hands it back', { skip }, async (t) => {
  const group = makeCgroup(t, 512 * MiB);
  const redis = await redisIn(t, group);
  const here = place(group, true, cacheOf(redis));
  const agent = startCli(['run'], here);
  await agent.until(/ ready: /);
  const before = await redis.run('CONFIG', 'GET', 'maxmemory');
  const { code, stdout } = await runCli(['resize', '384MiB'], here);
  assert.equal(code, 0, stdout);
  assert.match(stdout, /-128 MiB \(512 MiB -> 384 MiB/);
  assert.match(stdout, /cache \S+ \S+ -> \S+ \S+ resized, proven/);
  assert.equal(group.readLimit(), 384 * MiB);
  assert.notDeepEqual(await redis.run('CONFIG', 'GET', 'maxmemory'), before);
  const drivers = await runCli(['drivers'], here);
  assert.match(drivers.stdout, /cache: maxmemory \d+/);
  await agent.until(/-128 MiB \(512 MiB -> 384 MiB/);
  const released = await runCli(['release', 'cache', '--json'], here);
  assert.equal(released.code, 0);
  assertDocumented(released.stdout);
  assert.deepEqual(JSON.parse(released.stdout), {
    ...{ schema: 'hotadd.release/1', v: 1 },
    ...{ driver: 'cache', asBefore: true, note: null },
  });
  assert.deepEqual(await redis.run('CONFIG', 'GET', 'maxmemory'), before);
  const history = await runCli(['history', '--limit', '1'], here);
  assert.match(history.stdout, / done: -128 MiB/);
  agent.child.kill('SIGTERM');
  assert.equal((await agent.ended).code, 0);
});

test('resize: Ctrl-C in a one-shot hands settings back, and the limit stays', { skip }, async (t) => {
  const group = makeCgroup(t, 512 * MiB);
  const redis = await redisIn(t, group);
  const here = place(group, true, cacheOf(redis));
  const resize = startCli(['resize', '384MiB'], here);
  // It waits for two seconds of proof once Redis has taken the smaller size.
  const size = async () => JSON.stringify(await redis.run('CONFIG', 'GET', 'maxmemory'));
  const before = await size();
  await until(async () => (await size()) !== before, 'Redis is asked to shrink');
  resize.child.kill('SIGINT');
  const { code, stdout, stderr } = await resize.ended;
  assert.deepEqual({ code, stderr }, { code: 1, stderr: '' });
  assert.match(stdout, /failed: .*cache has its settings back/);
  assert.equal(await size(), before);
  assert.equal(group.readLimit(), 512 * MiB);
});

function cacheOf({ url }: RealRedis): string {
  return `drivers:\n  - { name: cache, driver: redis, url: '${url}' }\n`;
}

/** With a maxmemory of its own, and enough of it that a shrink has something to move. */
function redisIn(t: TestContext, group: RealCgroup): Promise<RealRedis> {
  return startRedis(t, { args: ['--maxmemory', String(400 * MiB)], cgroup: group.folder });
}
