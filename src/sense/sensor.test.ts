// The sensor on a machine whose files change, fail and vanish.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  type FileContent,
  type MachineOfFiles,
  machineOfFiles,
} from '../../test/fixtures/machines/machine-of-files.ts';
import { KiB, MiB } from '../core/bytes.ts';
import type { Clock } from '../core/clock.ts';
import { type PartitionName, parsePartitionName } from './partition-name.ts';
import { openSensor } from './sensor.ts';

const GROUP = '/sys/fs/cgroup/app';
const ABOVE = '/sys/fs/cgroup';
const BLOCKS = '/sys/devices/system/memory';

function groupV2(folder: string, max: string, current = 100 * MiB): Record<string, string> {
  return {
    [`${folder}/memory.max`]: `${max}\n`,
    [`${folder}/memory.high`]: 'max\n',
    [`${folder}/memory.current`]: `${current}\n`,
    [`${folder}/memory.stat`]: 'active_file 0\ninactive_file 0\n',
    [`${folder}/memory.events`]: 'oom_kill 3\n',
    [`${folder}/cgroup.events`]: 'populated 1\n',
  };
}

const LINUX: Record<string, FileContent> = {
  '/proc/meminfo': `MemTotal: ${1024 * KiB} kB\nMemAvailable: ${512 * KiB} kB\n`,
  '/proc/self/cgroup': '0::/app\n',
  '/proc/self/mountinfo': '30 24 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n',
  ...groupV2(GROUP, String(512 * MiB)),
};

/** Time stands until told; what is due at once runs at once. */
function clockByHand(): Clock & { nowMs: number } {
  const clock = {
    nowMs: 0,
    monotonicMs: () => clock.nowMs,
    wallMs: () => clock.nowMs,
    after: (_delayMs: number, callback: () => void) => {
      queueMicrotask(callback);
      return () => {};
    },
  };
  return clock;
}

async function open(machine: MachineOfFiles, partition: PartitionName = { kind: 'self' }) {
  const clock = clockByHand();
  return { clock, sensor: await openSensor({ machine, clock, partition }) };
}

function withBlocks(count: number): Record<string, string> {
  const files: Record<string, string> = { [`${BLOCKS}/block_size_bytes`]: '8000000\n' };
  for (let block = 0; block < count; block += 1) files[`${BLOCKS}/memory${block}/state`] = 'online\n';
  return files;
}

describe('sensor', () => {
  it('S1 reads again each time: nothing is remembered of a limit, of MemTotal or of use', async () => {
    const machine = machineOfFiles(LINUX);
    const { sensor } = await open(machine);
    assert.equal(sensor.read().usableBytes, 512 * MiB);
    machine.files.set(`${GROUP}/memory.max`, 'max\n');
    assert.deepEqual(sensor.read().boundBy, { level: 'machine', file: 'MemTotal' });
    machine.files.set('/proc/meminfo', `MemTotal: ${256 * KiB} kB\nMemAvailable: ${100 * KiB} kB\n`);
    assert.equal(sensor.read().usableBytes, 256 * MiB);
    machine.files.set(`${GROUP}/memory.high`, `${64 * MiB}\n`);
    assert.deepEqual(sensor.read().boundBy, { level: '/app', file: 'memory.high' });
    machine.files.set(`${GROUP}/memory.current`, `${7 * MiB}\n`);
    assert.equal(sensor.read().levels[0]?.usedBytes, 7 * MiB);
    assert.equal(sensor.readUsed(), 7 * MiB);
  });

  it('S1 a v1 soft limit is not a limit, and a limit of the slice above binds', async () => {
    const v1 = (folder: string, limit: string) => ({
      [`${folder}/memory.limit_in_bytes`]: `${limit}\n`,
      [`${folder}/memory.soft_limit_in_bytes`]: '4096\n',
      [`${folder}/memory.usage_in_bytes`]: '8192\n',
      [`${folder}/memory.stat`]:
        'hierarchical_memory_limit 314572800\ntotal_active_file 0\ntotal_inactive_file 0\n',
    });
    const machine = machineOfFiles({
      '/proc/meminfo': LINUX['/proc/meminfo'] ?? '',
      '/proc/self/cgroup': '4:memory:/a/b\n0::/\n',
      '/proc/self/mountinfo': '35 31 0:32 / /cg rw - cgroup cgroup rw,memory\n',
      '/cg/cgroup.sane_behavior': '0\n',
      ...v1('/cg', '9223372036854771712'),
      ...v1('/cg/a', '314572800'),
      ...v1('/cg/a/b', '9223372036854771712'),
    });
    const memory = (await open(machine)).sensor.read();
    assert.equal(memory.usableBytes, 300 * MiB);
    assert.deepEqual(memory.boundBy, { level: '/a', file: 'memory.limit_in_bytes' });
    assert.deepEqual(
      memory.levels.map((level) => level.name),
      ['/a/b', '/a', 'machine'],
    );
  });

  it('S2 a reading that fails keeps its last known value and is named', async () => {
    const machine = machineOfFiles(LINUX);
    const { sensor } = await open(machine);
    sensor.read();
    for (const [file, broken] of [
      [`${GROUP}/memory.max`, { fails: 'EIO' }],
      [`${GROUP}/memory.max`, ''],
      ['/proc/meminfo', { fails: 'EMFILE' }],
      [`${GROUP}/memory.stat`, 'nonsense'],
    ] as const) {
      const before = machine.files.get(file) ?? '';
      machine.files.set(file, broken);
      const memory = sensor.read();
      assert.equal(memory.usableBytes, 512 * MiB, file);
      assert.equal(memory.onlineBytes, 1024 * MiB, file);
      assert.equal(memory.levels[0]?.usedBytes, 100 * MiB, file);
      assert.deepEqual(
        memory.stale.map((reading) => reading.reading),
        [file],
      );
      assert.equal(memory.gone, false);
      machine.files.set(file, before);
      assert.deepEqual(sensor.read().stale, []);
    }
  });

  it('S2 a limit that was never known makes usable not known, never unlimited', async () => {
    const machine = machineOfFiles({ ...LINUX, [`${GROUP}/memory.max`]: { fails: 'EACCES' } });
    const memory = (await open(machine)).sensor.read();
    assert.equal(memory.usableBytes, null);
    assert.equal(memory.levels[0]?.limitBytes, null);
    assert.equal(memory.stale[0]?.reading, `${GROUP}/memory.max`);
  });

  it('S2 a cgroup that is removed is gone: what was known stays, for good', async () => {
    const machine = machineOfFiles(LINUX);
    const { sensor } = await open(machine);
    sensor.read();
    machine.remove(GROUP);
    const memory = sensor.read();
    assert.equal(memory.gone, true);
    assert.equal(memory.usableBytes, 512 * MiB);
    assert.equal(sensor.readUsed(), null);
    for (const [file, text] of Object.entries(groupV2(GROUP, 'max'))) machine.files.set(file, text);
    assert.equal(sensor.read().gone, true, 'made again, it is another partition');
  });

  it('S2 another cgroup at the same path is gone, not a change', async () => {
    const machine = machineOfFiles(LINUX);
    const { sensor } = await open(machine);
    sensor.read();
    machine.inodes.set(GROUP, 8);
    machine.files.set(`${GROUP}/memory.max`, '4096\n');
    const memory = sensor.read();
    assert.equal(memory.gone, true);
    assert.equal(memory.usableBytes, 512 * MiB);
  });

  it('S2 pressure that a machine does not have is not stale', async () => {
    const machine = machineOfFiles({ ...LINUX, [`${GROUP}/memory.pressure`]: { fails: 'EOPNOTSUPP' } });
    const memory = (await open(machine)).sensor.read();
    assert.deepEqual(memory.stale, []);
    assert.deepEqual(memory.pressure, { someAvg10: null, fullAvg10: null, oomKills: 3 });
  });

  it('S3 hints watch limit files, events and the parent folder, only while somebody listens', async () => {
    const machine = machineOfFiles(LINUX);
    const { sensor } = await open(machine);
    assert.equal(machine.watched.size, 0);
    let hints = 0;
    const stop = sensor.onHint(() => {
      hints += 1;
    });
    const files = ['memory.max', 'memory.high', 'memory.events'].map((name) => `${GROUP}/${name}`);
    assert.deepEqual([...machine.watched.keys()].sort(), [ABOVE, ...files].sort());
    for (const watchers of machine.watched.values()) for (const wake of watchers) wake();
    assert.equal(hints, 4);
    stop();
    assert.equal(machine.watched.size, 0);
  });

  it('S3 one event reads one block, however many there are', async () => {
    const machine = machineOfFiles({ ...LINUX, ...withBlocks(64) });
    const { sensor } = await open(machine, { kind: 'machine' });
    let hints = 0;
    sensor.onHint(() => {
      hints += 1;
    });
    machine.files.set(`${BLOCKS}/memory200/state`, 'offline\n');
    const reads = machine.reads;
    machine.emit({ action: 'add', path: '/devices/system/memory/memory200', subsystem: 'memory' });
    assert.equal(machine.reads - reads, 1);
    assert.equal(sensor.read().blocks?.offlineBytes, 128 * MiB);
    machine.files.set(`${BLOCKS}/memory200/state`, 'online\n');
    machine.emit({ action: 'online', path: '/devices/system/memory/memory200', subsystem: 'memory' });
    assert.deepEqual(sensor.offlineBlocks(), { blocks: [], command: null });
    machine.remove(`${BLOCKS}/memory200`);
    machine.emit({ action: 'remove', path: '/devices/system/memory/memory200', subsystem: 'memory' });
    assert.equal(sensor.read().presentBytes, 64 * 128 * MiB);
    assert.equal(hints, 3);
  });

  it('S3 a scan gives the loop back within 10 ms, however slow the files are', async () => {
    const machine = machineOfFiles({ ...LINUX, ...withBlocks(400) });
    const clock = clockByHand();
    let sliceStart = 0;
    let longest = 0;
    machine.onRead = () => {
      clock.nowMs += 0.5;
      longest = Math.max(longest, clock.nowMs - sliceStart);
    };
    const { after } = clock;
    clock.after = (delayMs, callback) =>
      after(delayMs, () => {
        sliceStart = clock.nowMs;
        callback();
      });
    const sensor = await openSensor({ machine, clock, partition: { kind: 'machine' } });
    sliceStart = clock.nowMs;
    assert.equal(sensor.read().presentBytes, 400 * 128 * MiB);
    assert.ok(longest <= 10, `${longest} ms`);
  });

  it('S3 an event during a scan is not undone by it', async () => {
    const machine = machineOfFiles({ ...LINUX, ...withBlocks(40) });
    const { sensor } = await open(machine, { kind: 'machine' });
    const state = `${BLOCKS}/memory30/state`;
    machine.onRead = (path) => {
      if (path !== `${BLOCKS}/memory35/state`) return;
      machine.onRead = () => {};
      machine.files.set(state, 'offline\n');
      machine.files.set(`${BLOCKS}/memory99/state`, 'online\n');
      for (const block of [30, 99]) {
        machine.emit({
          action: 'change',
          path: `/devices/system/memory/memory${block}`,
          subsystem: 'memory',
        });
      }
    };
    await sensor.rescan();
    assert.deepEqual(sensor.offlineBlocks().blocks, [30]);
    assert.equal(sensor.read().presentBytes, 41 * 128 * MiB);
  });

  it('S3 lost events: all blocks are read again, then the hint', async () => {
    const machine = machineOfFiles({ ...LINUX, ...withBlocks(4) });
    const { sensor } = await open(machine, { kind: 'machine' });
    machine.files.set(`${BLOCKS}/memory9/state`, 'online\n');
    machine.remove(`${BLOCKS}/memory0`);
    machine.remove(`${BLOCKS}/memory1`);
    const hinted = new Promise<void>((resolve) => sensor.onHint(resolve));
    machine.loseUevents();
    await hinted;
    assert.equal(sensor.read().presentBytes, 3 * 128 * MiB);
  });

  it('S3 without uevents it says so, and blocks are scanned when MemTotal moves', async () => {
    const machine = machineOfFiles({ ...LINUX, ...withBlocks(4) }, { uevents: false });
    const { sensor, clock } = await open(machine, { kind: 'machine' });
    assert.deepEqual(sensor.hintsMissing, ['no uevents here']);
    sensor.read();
    machine.files.set(`${BLOCKS}/memory4/state`, 'online\n');
    machine.files.set('/proc/meminfo', `MemTotal: ${2048 * KiB} kB\n`);
    clock.nowMs += 1_000;
    const hinted = new Promise<void>((resolve) => sensor.onHint(resolve));
    sensor.read();
    await hinted;
    assert.equal(sensor.read().blocks?.onlineBytes, 5 * 128 * MiB);
  });

  it('S9 without Linux the runtime tells the total, and nothing else is made up', async () => {
    const machine = machineOfFiles({}, { uevents: false });
    machine.total = 8192 * MiB;
    const { sensor } = await open(machine);
    const memory = sensor.read();
    assert.equal(memory.usableBytes, 8192 * MiB);
    assert.equal(memory.levels[0]?.usedBytes, null);
    assert.deepEqual([memory.blocks, memory.nodes, memory.pressure], [null, null, null]);
    assert.deepEqual(memory.stale, []);
    assert.equal(memory.partition, 'machine:local');
    machine.total = 4096 * MiB;
    assert.equal(sensor.read().usableBytes, 4096 * MiB);
    machine.total = Number.NaN;
    assert.equal(sensor.read().usableBytes, 4096 * MiB);
    assert.equal(sensor.read().stale.length, 1);
  });
});

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

  it('S1 a process without a visible cgroup is the machine, and usable is an upper bound', async () => {
    const machine = machineOfFiles({ ...LINUX, '/proc/self/mountinfo': '' });
    const memory = (await open(machine)).sensor.read();
    assert.equal(memory.hiddenAncestors, true);
    assert.equal(memory.usableBytes, 1024 * MiB);
  });
});
