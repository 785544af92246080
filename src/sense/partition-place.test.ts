// From a name to a place: which cgroup, which mount, which identity (S8), and what is refused.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  clockByHand,
  GROUP,
  groupV2,
  LINUX,
  type MachineOfFiles,
  machineOfFiles,
} from '../../test/fixtures/machines/machine-of-files.ts';
import { MiB } from '../core/bytes.ts';
import { type PartitionName, parsePartitionName } from './partition-name.ts';
import { openSensor } from './sensor.ts';

async function open(machine: MachineOfFiles, partition: PartitionName = { kind: 'self' }) {
  const clock = clockByHand();
  return { clock, sensor: await openSensor({ machine, clock, partition }) };
}

describe('partition', () => {
  const PIDS = {
    '/proc/42/stat': '42 (odd) name) S 1 1 1 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 777 1 1\n',
    '/proc/42/cgroup': '0::/app\n',
  };

  it('S8 a process is resolved once, with its start time', async () => {
    const machine = machineOfFiles({ ...LINUX, ...PIDS });
    const { sensor } = await open(machine, parsePartitionName('pid:42'));
    assert.deepEqual(sensor.process, { pid: 42, startTime: '777' });
    machine.remove('/proc/42');
    assert.equal(sensor.read().usableBytes, 512 * MiB);
    await assert.rejects(open(machine, parsePartitionName('pid:42')), { code: 'HOTADD_NO_PARTITION' });
  });

  it('S8 a number that passes to another process while it is resolved is no partition', async () => {
    const machine = machineOfFiles({ ...LINUX, ...PIDS });
    machine.onRead = (path) => {
      if (path === '/proc/42/cgroup') {
        machine.files.set('/proc/42/stat', PIDS['/proc/42/stat'].replace(' 777 ', ' 778 '));
      }
    };
    await assert.rejects(open(machine, parsePartitionName('pid:42')), /has just ended/);
  });

  it('S8 a cgroup by its path, or by its pasted folder; identity holds the inode', async () => {
    const machine = machineOfFiles(LINUX);
    machine.inodes.set(GROUP, 4711);
    for (const name of ['cgroup:/app', `cgroup:${GROUP}`]) {
      assert.equal((await open(machine, parsePartitionName(name))).sensor.identity, 'cgroup:/app@4711');
    }
    await assert.rejects(open(machine, parsePartitionName('cgroup:/none')), {
      code: 'HOTADD_NO_PARTITION',
      place: 'cgroup:/none',
    });
  });

  it('S8 the root of a cgroup hierarchy is the machine: nothing can be limited there', async () => {
    const top = '/sys/fs/cgroup';
    const inRoot = { ...LINUX, '/proc/self/cgroup': '0::/\n' };
    const machine = machineOfFiles(inRoot);
    for (const name of ['self', 'cgroup:/', `cgroup:${top}`]) {
      const { sensor } = await open(machine, parsePartitionName(name));
      assert.match(sensor.identity, /^machine:/, name);
      assert.equal(sensor.controlGroup, null);
      assert.equal(sensor.read().hiddenAncestors, false);
    }
    // The root of a namespace looks the same but for this file, and it can be limited.
    machine.files.set(`${top}/cgroup.events`, 'populated 1\n');
    machine.files.set(`${top}/memory.max`, `${256 * MiB}\n`);
    const { sensor } = await open(machine);
    assert.match(sensor.identity, /^cgroup:\/@/);
    assert.equal(sensor.read().usableBytes, 256 * MiB);
  });

  it('S8 a systemd unit is found in its slice; none and two of the name are refused', async () => {
    const slices = '/sys/fs/cgroup/app.slice/app-web.slice';
    const machine = machineOfFiles({ ...LINUX, ...groupV2(`${slices}/redis.service`, '4096') });
    const { sensor } = await open(machine, parsePartitionName('unit:redis'));
    assert.equal(sensor.identity, 'unit:redis.service');
    assert.equal(sensor.controlGroup?.folder, `${slices}/redis.service`);
    await assert.rejects(open(machine, parsePartitionName('unit:valkey')), { code: 'HOTADD_NO_PARTITION' });
    machine.files.set('/sys/fs/cgroup/system.slice/redis.service/memory.max', 'max\n');
    await assert.rejects(open(machine, parsePartitionName('unit:redis')), /several units/);
  });

  it('S8 a process whose cgroup was deleted is told as gone', async () => {
    const machine = machineOfFiles({ ...LINUX, ...PIDS, '/proc/42/cgroup': '0::/app (deleted)\n' });
    await assert.rejects(open(machine, parsePartitionName('pid:42')), { code: 'HOTADD_GONE' });
  });

  it('S1 a mount that is hidden by another at the same place does not count', async () => {
    const hidden = '30 24 0:26 / /cg rw - cgroup2 cgroup2 rw\n31 30 0:40 / /cg rw - cgroup cgroup rw,cpu\n';
    const machine = machineOfFiles({
      ...LINUX,
      '/proc/self/mountinfo': hidden,
      ...groupV2('/cg/app', String(64 * MiB)),
    });
    assert.equal((await open(machine)).sensor.read().usableBytes, 1024 * MiB);
  });

  it('S1 before 5.11 a v1 cgroup that does not use hierarchy limits nobody below', async () => {
    const v1 = (folder: string, limit: number) => ({
      [`${folder}/memory.limit_in_bytes`]: `${limit}\n`,
      [`${folder}/memory.usage_in_bytes`]: '8192\n',
      [`${folder}/memory.stat`]: 'total_active_file 0\ntotal_inactive_file 0\n',
    });
    const machine = machineOfFiles({
      ...LINUX,
      '/proc/self/cgroup': '4:memory:/a/b\n',
      '/proc/self/mountinfo': '35 31 0:32 / /cg rw - cgroup cgroup rw,memory\n',
      '/cg/cgroup.sane_behavior': '0\n',
      ...v1('/cg/a', 64 * MiB),
      '/cg/a/memory.use_hierarchy': '0\n',
      ...v1('/cg/a/b', 128 * MiB),
    });
    assert.equal((await open(machine)).sensor.read().usableBytes, 128 * MiB);
    machine.files.set('/cg/a/memory.use_hierarchy', '1\n');
    assert.equal((await open(machine)).sensor.read().usableBytes, 64 * MiB);
  });

  it('S1 a process without a visible cgroup is the machine, and usable is an upper bound', async () => {
    const machine = machineOfFiles({ ...LINUX, '/proc/self/mountinfo': '' });
    const memory = (await open(machine)).sensor.read();
    assert.equal(memory.hiddenAncestors, true);
    assert.equal(memory.usableBytes, 1024 * MiB);
  });
});
