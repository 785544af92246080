// The sensor and the limit operation on real cgroups of this machine, made for the test and removed after it.
// The mounts are found as hotadd finds them. No process but our own children is moved, and no limit but our
// own is set.
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { accessSync, constants, mkdirSync, rmdirSync, writeFileSync } from 'node:fs';
import { after, describe, it } from 'node:test';
import { hierarchy, noCgroup } from '../../test/real-cgroup.ts';
import { MiB } from '../core/bytes.ts';
import { clockOs } from '../host/clock-os.ts';
import { machineOs } from '../host/machine-os.ts';
import { limitOperation } from '../operations/limit.ts';
import { openSensor, type Sensor } from './sensor.ts';

const machine = machineOs();
const clock = clockOs();

const skip = noCgroup;
const { top, version } = hierarchy;
const limitFile = version === 1 ? 'memory.limit_in_bytes' : 'memory.max';
const made: string[] = [];
const children: ChildProcess[] = [];

function makeGroup(name: string): { path: string; folder: string } {
  const path = `/hotadd-test-${process.pid}-${name}`;
  mkdirSync(top + path);
  made.push(top + path);
  return { path, folder: top + path };
}

after(async () => {
  for (const child of children) {
    if (child.exitCode !== null || child.signalCode !== null) continue;
    const ended = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGKILL');
    await ended;
  }
  for (const folder of made.reverse()) await removeGroup(folder);
});

/** A cgroup whose last process has just ended is busy for a moment. */
async function removeGroup(folder: string): Promise<void> {
  for (const untilMs = clock.monotonicMs() + 10_000; ; ) {
    try {
      return rmdirSync(folder);
    } catch (thrown) {
      const { code } = thrown as NodeJS.ErrnoException;
      if (code === 'ENOENT') return;
      if (code !== 'EBUSY' || clock.monotonicMs() > untilMs) throw thrown;
      await new Promise<void>((resolve) => clock.after(10, resolve));
    }
  }
}

/** Waits for a hint after which the condition holds; without any hint it fails. */
async function hinted(sensor: Sensor, act: () => void, holds: () => boolean): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    const cancel = clock.after(20_000, () => reject(new Error('no hint within 20 s')));
    const stop = sensor.onHint(() => {
      if (!holds()) return;
      cancel();
      stop();
      resolve();
    });
    act();
  });
}

describe('real cgroups', { skip }, () => {
  it('S3 a limit that is written hints, and is read', async () => {
    const { path, folder } = makeGroup('limit');
    const sensor = await openSensor({ machine, clock, partition: { kind: 'cgroup', path } });
    assert.equal(sensor.read().levels[0]?.limitBytes, 'max');
    for (const bytes of [256 * MiB, 512 * MiB, 128 * MiB]) {
      const write = () => writeFileSync(`${folder}/${limitFile}`, String(bytes));
      await hinted(sensor, write, () => sensor.read().usableBytes === bytes);
      assert.deepEqual(sensor.read().boundBy, { level: path, file: limitFile });
    }
    sensor.close();
  });

  it('S1 S3 a limit above that is written hints, and binds', async () => {
    const above = makeGroup('above');
    const { path } = makeGroup('above/own');
    if (version === 2) writeFileSync(`${above.folder}/cgroup.subtree_control`, '+memory');
    const sensor = await openSensor({ machine, clock, partition: { kind: 'cgroup', path } });
    const write = () => writeFileSync(`${above.folder}/${limitFile}`, String(64 * MiB));
    await hinted(sensor, write, () => sensor.read().usableBytes === 64 * MiB);
    assert.deepEqual(sensor.read().boundBy, { level: above.path, file: limitFile });
    sensor.close();
  });

  it('S2 removal hints and is gone; a cgroup made again at the path is another partition', async () => {
    const { path, folder } = makeGroup('removed');
    writeFileSync(`${folder}/${limitFile}`, String(256 * MiB));
    const sensor = await openSensor({ machine, clock, partition: { kind: 'cgroup', path } });
    assert.equal(sensor.read().usableBytes, 256 * MiB);
    await hinted(
      sensor,
      () => rmdirSync(folder),
      () => sensor.read().gone,
    );
    assert.equal(sensor.read().usableBytes, 256 * MiB);
    mkdirSync(folder);
    const second = await openSensor({ machine, clock, partition: { kind: 'cgroup', path } });
    assert.equal(sensor.read().gone, true);
    assert.equal(sensor.readUsed(), null);
    assert.equal(second.read().gone, false);
    assert.notEqual(second.identity, sensor.identity);
    assert.equal(second.read().levels[0]?.limitBytes, 'max', 'nothing of the first is seen in the second');
    sensor.close();
    second.close();
  });

  it('S8 F0 a process in the cgroup: found by its number, and its memory is use', async () => {
    const { path, folder } = makeGroup('used');
    const holder = await startHolder(folder, 64 * MiB);
    const sensor = await openSensor({ machine, clock, partition: { kind: 'pid', pid: holder.pid } });
    assert.equal(sensor.controlGroup?.path, path);
    const used = sensor.readUsed() ?? 0;
    assert.ok(used > 64 * MiB && used < 512 * MiB, `${used}`);
    await holder.release();
    // Pages that are given back leave the counters in batches.
    await until(() => (sensor.readUsed() ?? used) < used - 60 * MiB);
    sensor.close();
  });

  it('F2 a shrink is refused while memory is held, and done when it is given back', async () => {
    const { path, folder } = makeGroup('shrink');
    writeFileSync(`${folder}/${limitFile}`, String(512 * MiB));
    const holder = await startHolder(folder, 128 * MiB);
    const sensor = await openSensor({ machine, clock, partition: { kind: 'cgroup', path } });
    const { controlGroup } = sensor;
    assert.ok(controlGroup);
    const operation = limitOperation({
      machine,
      clock,
      controlGroup,
      readUsedBytes: () => sensor.readUsed(),
    });
    const request = { expectBytes: 512 * MiB, headroomBytes: 16 * MiB, deadlineMs: 5_000 };
    await assert.rejects(operation.operate(128 * MiB, request), { code: 'HOTADD_OPERATION' });
    assert.equal(operation.read(), 512 * MiB);
    await holder.release();
    await until(() => (sensor.readUsed() ?? 512 * MiB) + 16 * MiB <= 128 * MiB);
    assert.deepEqual(await operation.operate(128 * MiB + 5, request), {
      reachedBytes: 128 * MiB,
      note: null,
    });
    assert.equal(sensor.read().usableBytes, 128 * MiB);
    assert.equal(sensor.read().pressure?.oomKills, 0, 'nobody was killed');
    const grown = await operation.operate('max', { ...request, expectBytes: 128 * MiB });
    assert.equal(grown.reachedBytes, 'max');
    sensor.close();
  });
});

const blockUevent = '/sys/devices/system/memory/memory0/uevent';
const noUevents = () => {
  if (process.getuid?.() !== 0) return 'making a synthetic uevent needs root';
  try {
    accessSync(blockUevent, constants.W_OK);
  } catch {
    return 'there are no memory blocks here';
  }
  const opened = machine.uevents(
    () => {},
    () => {},
  );
  if (typeof opened !== 'function') return opened.unavailable;
  opened();
  return false;
};

describe('real uevents', { skip: noUevents() }, () => {
  it('S3 an event of a memory block hints, and blocks are what the kernel shows', async () => {
    const sensor = await openSensor({ machine, clock, partition: { kind: 'machine' } });
    assert.deepEqual(sensor.hintsMissing, []);
    // "change" only makes an event; the block stays as it is.
    const change = () => writeFileSync(blockUevent, 'change');
    await hinted(sensor, change, () => true);
    const { blocks } = sensor.read();
    const states = machine
      .list('/sys/devices/system/memory')
      .filter((name) => /^memory\d+$/.test(name))
      .map((name) => machine.readText(`/sys/devices/system/memory/${name}/state`).trim());
    assert.equal(
      blocks?.onlineBytes,
      states.filter((state) => state === 'online').length * (blocks?.sizeBytes ?? 0),
    );
    sensor.close();
  });
});

async function until(holds: () => boolean): Promise<void> {
  for (const untilMs = clock.monotonicMs() + 20_000; !holds(); ) {
    if (clock.monotonicMs() > untilMs) throw new Error('it did not come about within 20 s');
    await new Promise<void>((resolve) => clock.after(10, resolve));
  }
}

/** A child in the cgroup that holds memory until told to give it back. */
async function startHolder(
  folder: string,
  bytes: number,
): Promise<{ pid: number; release(): Promise<void> }> {
  const program = `
    process.stdin.once('data', () => {
      let held = Buffer.alloc(${bytes}, 1).buffer;
      process.stdout.write('held');
      process.stdin.once('data', () => { held = held.transfer(0); process.stdout.write('released'); });
    });
    process.stdout.write('ready');`;
  const child = spawn(process.execPath, ['-e', program], { stdio: ['pipe', 'pipe', 'inherit'] });
  children.push(child);
  const says = () =>
    new Promise<string>((resolve) => child.stdout.once('data', (data) => resolve(String(data))));
  assert.equal(await says(), 'ready');
  const { pid } = child;
  assert.ok(pid);
  writeFileSync(`${folder}/cgroup.procs`, String(pid));
  child.stdin.write('hold');
  assert.equal(await says(), 'held');
  return {
    pid,
    release: async () => {
      child.stdin.write('release');
      assert.equal(await says(), 'released');
    },
  };
}
