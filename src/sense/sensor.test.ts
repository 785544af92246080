// The sensor on a machine whose files change, fail and vanish.
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
import { KiB, MiB } from '../core/bytes.ts';
import type { PartitionName } from './partition-name.ts';
import { openSensor } from './sensor.ts';

const BLOCKS = '/sys/devices/system/memory';

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
    const { sensor } = await open(machine);
    machine.files.set(`${GROUP}/memory.pressure`, 'some avg10=2.50 avg60=0\n');
    assert.equal(sensor.read().pressure?.someAvg10, 2.5);
    machine.files.set(`${GROUP}/memory.pressure`, { fails: 'EIO' });
    const failed = sensor.read();
    assert.equal(failed.pressure?.someAvg10, 2.5, 'known before: kept, and named');
    assert.equal(failed.stale[0]?.reading, `${GROUP}/memory.pressure`);
    machine.files.delete(`${GROUP}/memory.pressure`);
    const without = sensor.read();
    assert.equal(without.pressure?.someAvg10, null);
    assert.deepEqual(without.stale, []);
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
    assert.deepEqual([...machine.watched.keys()].sort(), ['/sys/fs/cgroup', ...files].sort());
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
    await null;
    machine.emit({ action: 'online', path: '/devices/system/memory/memory200', subsystem: 'memory' });
    await null;
    assert.deepEqual(sensor.offlineBlocks(), { blocks: [], command: null });
    machine.files.set(`${BLOCKS}/memory3/state`, 'going-offline\n');
    machine.emit({ action: 'change', path: '/devices/system/memory/memory3', subsystem: 'memory' });
    await null;
    assert.equal(sensor.read().blocks?.onlineBytes, 64 * 128 * MiB);
    machine.remove(`${BLOCKS}/memory200`);
    machine.emit({ action: 'remove', path: '/devices/system/memory/memory200', subsystem: 'memory' });
    assert.equal(sensor.read().presentBytes, 64 * 128 * MiB);
    assert.equal(sensor.read().blocks?.onlineBytes, 63 * 128 * MiB);
    assert.equal(hints, 4);
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

  it('S3 a burst of events reads each block once, and is one hint', async () => {
    const machine = machineOfFiles({ ...LINUX, ...withBlocks(4) });
    const { sensor } = await open(machine, { kind: 'machine' });
    let hints = 0;
    let reads = 0;
    sensor.onHint(() => {
      hints += 1;
    });
    machine.onRead = () => {
      reads += 1;
    };
    const burst = async (from: number) => {
      for (let block = from; block < from + 64; block += 1) {
        machine.files.set(`${BLOCKS}/memory${block}/state`, 'online\n');
        machine.emit({
          action: 'online',
          path: `/devices/system/memory/memory${block}`,
          subsystem: 'memory',
        });
      }
      await null;
    };
    await burst(4);
    assert.deepEqual([hints, reads], [1, 64]);
    await burst(68);
    assert.deepEqual([hints, reads], [2, 128]);
    assert.equal(sensor.read().presentBytes, 132 * 128 * MiB);
    for (const block of [9, 10]) {
      machine.remove(`${BLOCKS}/memory${block}`);
      machine.emit({ action: 'remove', path: `/devices/system/memory/memory${block}`, subsystem: 'memory' });
    }
    assert.equal(hints, 4, 'what goes is told at once: another may come in its place');
    await Promise.all([burst(132), sensor.close()]);
    assert.equal(hints, 4, 'closed, it hints no more');
  });

  it('S3 events lost during a scan make it run once more', async () => {
    const machine = machineOfFiles({ ...LINUX, ...withBlocks(40) });
    const { sensor } = await open(machine, { kind: 'machine' });
    machine.onRead = (path) => {
      if (path !== `${BLOCKS}/memory35/state`) return;
      machine.onRead = () => {};
      machine.files.set(`${BLOCKS}/memory2/state`, 'offline\n');
      machine.loseUevents();
    };
    await sensor.rescan();
    assert.deepEqual(sensor.offlineBlocks().blocks, [2]);
  });

  it('S6 nodes are read again when MemTotal differs or an event came, and not otherwise', async () => {
    const nodes = '/sys/devices/system/node';
    const files = { [`${nodes}/online`]: '0\n', [`${nodes}/node0/meminfo`]: 'Node 0 MemTotal: 8 kB\n' };
    const machine = machineOfFiles({ ...LINUX, ...files });
    const { sensor } = await open(machine, { kind: 'machine' });
    let reads = 0;
    machine.onRead = (path) => {
      if (path.startsWith(nodes)) reads += 1;
    };
    assert.deepEqual(sensor.read().nodes, [{ node: 0, onlineBytes: 8 * KiB, movableBytes: null }]);
    sensor.read();
    assert.equal(reads, 2);
    machine.files.set('/proc/meminfo', `MemTotal: ${2048 * KiB} kB\n`);
    machine.files.set(`${nodes}/node0/meminfo`, 'Node 0 MemTotal: 16 kB\n');
    assert.equal(sensor.read().nodes?.[0]?.onlineBytes, 16 * KiB);
    sensor.read();
    assert.equal(reads, 4);
    machine.emit({ action: 'add', path: '/devices/system/node/node1', subsystem: 'node' });
    sensor.read();
    assert.equal(reads, 6);
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
    assert.deepEqual(memory.boundBy, { level: 'machine', file: 'os.totalmem()' });
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
