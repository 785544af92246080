// What is handed to a partition and cannot be meant is refused at once, with the place and the mend (E4), and
// nothing has been touched.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { buffers } from '../buffers/buffers.ts';
import { MiB } from '../core/bytes.ts';
import type { HotaddError } from '../core/errors.ts';
import { ClockSim } from '../testing/clock-sim.ts';
import { MachineSim } from '../testing/machine-sim.ts';
import { type OpenOptions, openPartition } from './open.ts';

const clock = new ClockSim();
const machine = new MachineSim({ bootBytes: 512 * MiB, machineId: `usage-test-${process.pid}` });
const partition = await clock.until(openPartition({ partition: 'machine', machine, clock, apply: true }));
const cache = buffers('cache', { size: () => MiB, resize: () => undefined });
after(() => clock.until(partition.close()));

const code = 'HOTADD_BAD_USAGE';
const noBytes = ['300MiB', 'max', '', Number.NaN, -1, 0, 1.5, Number.POSITIVE_INFINITY, null, {}, [MiB]];

test('partition: resize takes whole bytes above 0 and nothing else', async () => {
  const before = partition.memory.usableBytes;
  for (const bytes of [...noBytes, undefined])
    await assert.rejects(partition.resize(bytes as never), { code, place: 'resize' }, `${bytes}`);
  await assert.rejects(partition.resize('300MiB' as never), {
    message: `resize: is "300MiB"; give whole bytes, such as parseBytes('300MiB')`,
  });
  assert.equal(partition.memory.usableBytes, before);
});

test('partition: plan takes whole bytes above 0, or nothing', async () => {
  for (const bytes of noBytes)
    await assert.rejects(partition.plan(bytes as never), { code, place: 'plan' }, `${bytes}`);
  assert.equal((await clock.until(partition.plan())).plan.usableBytes, 512 * MiB);
  assert.equal((await clock.until(partition.plan(256 * MiB))).plan.usableBytes, 256 * MiB);
});

test('partition: what is no driver is not registered', () => {
  const refuses = (given: unknown, message: RegExp) =>
    assert.throws(() => partition.register(given as never), { code: 'HOTADD_BAD_DRIVER', message });
  refuses(undefined, /^register: undefined is given, not a driver; give a driver, such as buffers/);
  refuses(null, /null is given/);
  refuses(Promise.resolve(cache), /^register: a promise is given, not a driver; await the driver first$/);
  refuses({}, /it has no read\(\)/);
  refuses({ name: 'half', read: cache.read }, /it has no resize\(\)/);
  refuses({ ...cache, name: '' }, /the name of the driver is ""/);
  refuses({ ...cache, name: 5 }, /the name of the driver is 5/);
});

test('partition: a policy that cannot be meant is refused, and the driver is not registered', async () => {
  const refuses = (policy: unknown, message: RegExp | string) =>
    assert.throws(() => partition.register(cache, policy as never), { code, message });
  refuses({ wieght: 2 }, 'cache: has no option wieght; its options are weight, min, max, onDrift, existing');
  refuses(null, /cache: the options are null/);
  refuses({ onDrift: 'ignore' }, /onDrift is "ignore"; give 'report' or 'reassert'/);
  refuses({ min: 2 * MiB, max: MiB }, /min 2097152 is above max 1048576/);
  refuses({ weight: '2' }, /weight is "2"; weight is a number/);
  refuses({ max: '10%' }, 'cache: max: is the text "10%"; write { percent: 10 }');
  refuses({ max: { percent: '50' } }, 'cache: max: is the text "50"; write { percent: 50 }');
  refuses({ min: '300MiB' }, /is the text "300MiB"; write .* parseBytes\('300MiB'\)/);
  refuses({ min: null }, /cache: min: is null; give bytes/);
  refuses({ min: {} }, /cache: min: is undefined percent/);
  const { readings } = await clock.until(partition.plan());
  assert.deepEqual(readings, []);
  await partition.register(cache, { max: { percent: 50 }, onDrift: 'report' }).unregister();
});

test('partition: an option of opening that is not known, or cannot be meant, is refused', async () => {
  const refuses = (options: unknown, message: RegExp) =>
    assert.rejects(openPartition(options as OpenOptions), { code, message });
  await refuses({ aply: true }, /^openPartition: has no option aply; its options are partition, apply,/);
  await refuses({ apply: 'yes' }, /^apply: is "yes"; give true or false$/);
  await refuses({ apply: 1 }, /^apply: is 1/);
  await refuses(null, /^openPartition: the options are null/);
  await refuses('self', /^openPartition: the options are "self"/);
  await refuses({ partition: 5 }, /"5" names no partition/);
  await refuses({ reserve: '10%' }, /^reserve: is the text "10%"; write \{ percent: 10 \}/);
});

test('partition: a root that is not there is told as that', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'hotadd-root-'));
  rmSync(folder, { recursive: true });
  await assert.rejects(openPartition({ root: folder, partition: 'machine' }), {
    code,
    message: `root: there is no folder ${folder}; give the folder of a captured machine`,
  });
});

test('partition: a change that is not applied says how an author would have it applied', async () => {
  const watched = await clock.until(openPartition({ partition: 'machine', machine, clock }));
  await assert.rejects(clock.until(watched.resize(256 * MiB)), (error: HotaddError) => {
    assert.equal(error.code, 'HOTADD_NOT_APPLIED');
    assert.match(error.mend ?? '', /openPartition\(\{ apply: true \}\)/);
    return true;
  });
  await clock.until(watched.close());
});

test('partition: closed, its memory can still be read and every call throws', async () => {
  const closed = await clock.until(openPartition({ partition: 'machine', machine, clock }));
  await clock.until(closed.close());
  assert.equal(closed.memory.usableBytes, 512 * MiB);
  const said = { code: 'HOTADD_CLOSED' };
  assert.throws(() => closed.register(cache), said);
  assert.throws(() => closed.onChange(() => undefined), said);
  assert.throws(() => closed.pools(), said);
  await assert.rejects(closed.plan(), said);
  await assert.rejects(closed.resize(MiB), said);
  await closed.close();
});
