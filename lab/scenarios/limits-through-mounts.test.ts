// A cgroup as containers see it: through a bind mount of a part of the tree, in a cgroup namespace of its
// own, and through a mount that is read-only.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MiB } from '../../src/core/bytes.ts';
import type { PhysicalMemory } from '../../src/core/memory.ts';
import type { RunResult, Vm } from '../index.ts';
import { APP, APP_BYTES, memoryEvent, OUTER, openFollowedGroup, readValue, usableByFiles } from './cgroup.ts';
import { needsLab } from './guest.ts';

const HOTADD = 'node /cargo/node_modules/hotadd/bin/hotadd.js';
const OUTER_BYTES = 100 * MiB;

const BIND = `mkdir -p /tmp/part && mount --bind ${OUTER} /tmp/part && umount /sys/fs/cgroup`;
const MOUNT_ANEW = 'umount /sys/fs/cgroup && mount -t cgroup2 cgroup2 /sys/fs/cgroup';
const READ_ONLY = 'mount -o remount,ro,bind /sys/fs/cgroup';

test('limits through mounts: usable is exact, and what is hidden is said to be (S1)', needsLab, async (t) => {
  const { vm, agent } = await openFollowedGroup(t);
  await vm.write(`${OUTER}/memory.max`, String(OUTER_BYTES));
  await agent.usable(OUTER_BYTES);

  const bound = await readMemory(vm, '-m', BIND);
  assert.equal(bound.usableBytes, await usableByFiles(vm));
  assert.deepEqual(bound.boundBy, { level: '/outer', file: 'memory.max' });
  // What lies above the mounted part cannot be known from there.
  assert.equal(bound.hiddenAncestors, true);

  const readOnly = await readMemory(vm, '-m', READ_ONLY);
  assert.equal(readOnly.usableBytes, await usableByFiles(vm));
  assert.deepEqual(readOnly.boundBy, { level: '/outer', file: 'memory.max' });
  assert.equal(readOnly.hiddenAncestors, false);

  const inside = await readMemory(vm, '-C -m', MOUNT_ANEW);
  assert.equal(inside.usableBytes, await usableByFiles(vm, [APP]));
  assert.deepEqual(inside.boundBy, { level: '/', file: 'memory.max' });
  assert.equal(inside.hiddenAncestors, true);

  // With the mount of another namespace its own cgroup cannot be found: the machine is the upper bound.
  const foreign = await readMemory(vm, '-C -m', 'true');
  assert.equal(foreign.usableBytes, await vm.memTotalBytes());
  assert.equal(foreign.hiddenAncestors, true);
});

test('limits through mounts: a planned change on a read-only mount is refused (E4)', needsLab, async (t) => {
  const { vm, redis, agent } = await openFollowedGroup(t);
  await redis.fill(20 * MiB);
  const keys = await redis.run('DBSIZE');
  const before = await settings();
  await agent.stop();
  const { code, stdout, stderr } = await inContainer(
    vm,
    '-m',
    READ_ONLY,
    `resize 96MiB --config /tmp/hotadd.yaml`,
  );
  assert.equal(code, 1, stdout);
  assert.equal(stdout, '', 'refused before anyone is told: there is no outcome');
  assert.match(stderr, /memory\.max: this file system is mounted read-only here/);
  assert.match(stderr, /run hotadd on the host, or mount it read-write in this container/);
  assert.deepEqual(await settings(), before);
  assert.equal(await redis.run('DBSIZE'), keys);
  assert.equal(await memoryEvent(vm, 'oom_kill'), 0);

  async function settings() {
    const [max, high] = [await readValue(vm, 'memory.max'), await readValue(vm, 'memory.high')];
    assert.equal(max, String(APP_BYTES));
    return { max, high, maxmemory: await redis.maxmemory() };
  }
});

/** hotadd in the cgroup of the Redis, in new namespaces, after `mounts` has been done there. */
function inContainer(vm: Vm, namespaces: string, mounts: string, words: string): Promise<RunResult> {
  const inside = `${mounts} && exec ${HOTADD} ${words}`;
  const line = `exec /cargo/programs/bin/unshare ${namespaces} sh -c '${inside}'`;
  return vm.run(['sh', '-c', line], { cgroup: APP });
}

async function readMemory(vm: Vm, namespaces: string, mounts: string): Promise<PhysicalMemory> {
  const { code, stdout, stderr } = await inContainer(vm, namespaces, mounts, 'memory --json');
  assert.equal(code, 0, stderr);
  return JSON.parse(stdout) as PhysicalMemory;
}
