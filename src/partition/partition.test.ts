// An opened partition on a simulated machine: hints, poll, settling, listeners, lock and close.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { buffers } from '../buffers/buffers.ts';
import { MiB } from '../core/bytes.ts';
import type { News } from '../core/change.ts';
import type { HotaddError } from '../core/errors.ts';
import type { Outcome } from '../core/outcome.ts';
import { ClockSim } from '../testing/clock-sim.ts';
import { DriverSim } from '../testing/driver-sim.ts';
import { MachineSim } from '../testing/machine-sim.ts';
import { type OpenOptions, openPartition } from './open.ts';

let machines = 0;

async function simulated(over: OpenOptions = {}) {
  const clock = new ClockSim();
  machines += 1;
  const held: DriverSim[] = [];
  const machine = new MachineSim({
    bootBytes: 512 * MiB,
    machineId: `partition-test-${process.pid}-${machines}`,
    usedBytes: () => held.reduce((sum, { heldBytes }) => sum + (heldBytes ?? 0), 10 * MiB),
  });
  const outcomes: Outcome[] = [];
  const opening = openPartition({
    partition: 'machine',
    machine,
    clock,
    apply: true,
    reserve: 0,
    onOutcome: (outcome) => outcomes.push(outcome),
    ...over,
  });
  const partition = await clock.until(opening);
  const add = (name: string, sizeMiB: number) => {
    const driver = new DriverSim(name, { sizeBytes: sizeMiB * MiB });
    held.push(driver);
    partition.register(driver, { existing: true });
    return driver;
  };
  return { clock, machine, partition, outcomes, add };
}

test('partition: an added module reaches the driver once, when the blocks are quiet (S4)', async () => {
  const { clock, machine, partition, outcomes, add } = await simulated();
  const driver = add('cache', 100);
  await clock.advance(1000);
  const before = outcomes.length;
  machine.addMemory(512 * MiB);
  assert.equal(partition.memory.usableBytes, 1024 * MiB);
  await clock.advance(240);
  assert.equal(outcomes.length, before);
  await clock.advance(100);
  assert.equal(outcomes.length, before + 1);
  // 1024 MiB less 3 % headroom and the 10 MiB that are in use besides.
  assert.equal(Math.round(driver.sizeBytes / MiB), 983);
  await partition.close();
});

test('partition: memory that moves without any hint is found by the poll (S3)', async () => {
  const { clock, machine, partition, add } = await simulated();
  machine.uevents = () => () => {};
  const driver = add('cache', 100);
  await clock.advance(1000);
  const block = '/sys/devices/system/memory/memory3/state';
  machine.writeText(block, 'offline');
  await clock.advance(4000);
  assert.ok(driver.sizeBytes < 384 * MiB, `${driver.sizeBytes / MiB} MiB`);
  await partition.close();
});

test('partition: memory added and not online is present, with its command (S5)', async () => {
  const { clock, machine, partition } = await simulated();
  machine.addMemory(256 * MiB, { online: false });
  await clock.advance(10);
  const { presentBytes, onlineBytes, blocks } = partition.memory;
  assert.deepEqual([presentBytes, onlineBytes], [768 * MiB, 512 * MiB]);
  assert.equal(blocks?.offlineBytes, 256 * MiB);
  assert.match(partition.sensor.offlineBlocks().command ?? '', /seq 4 5/);
  await partition.close();
});

test('partition: listeners hear what comes, and with existing what is there already (N11)', async () => {
  const { clock, machine, partition } = await simulated();
  const plain: News[] = [];
  const replayed: News[] = [];
  partition.onChange((news) => void plain.push(news));
  partition.onChange((news) => void replayed.push(news), { existing: true });
  await clock.advance(10);
  assert.deepEqual([plain.length, replayed.length], [0, 1]);
  machine.addMemory(128 * MiB);
  await clock.advance(1000);
  assert.deepEqual([plain.length, replayed.length], [1, 2]);
  assert.deepEqual(Object.keys(plain[0] ?? {}).sort(), ['cause', 'changeId', 'kind', 'phase']);
  await partition.close();
});

test('partition: after unregister resolves no callback of that registration runs (N12)', async () => {
  const { clock, machine, partition } = await simulated();
  let finish = () => {};
  let calls = 0;
  const registration = partition.onChange(async () => {
    calls += 1;
    await new Promise<void>((resolve) => {
      finish = resolve;
    });
  });
  machine.addMemory(128 * MiB);
  await clock.advance(1000);
  assert.equal(calls, 1);
  let gone = false;
  const unregistered = registration.unregister().then(() => {
    gone = true;
  });
  await clock.advance(0);
  assert.equal(gone, false);
  finish();
  await unregistered;
  machine.addMemory(128 * MiB);
  await clock.advance(1000);
  assert.equal(calls, 1);
  await partition.close();
});

test('partition: a listener that throws or never returns delays nobody and is named (N16, N17)', async () => {
  const { clock, machine, partition } = await simulated();
  const heard: string[] = [];
  partition.onChange(function slow() {
    return new Promise(() => {});
  });
  partition.onChange(function thrower() {
    throw new Error('not my day');
  });
  partition.onChange((news) => void heard.push(news.cause));
  machine.addMemory(128 * MiB);
  await clock.advance(1000);
  assert.equal(heard.length, 1);
  assert.deepEqual(
    partition.registry.slowListeners(500).map(({ name }) => name),
    ['slow'],
  );
  assert.deepEqual(partition.registry.listenerErrors(), [{ name: 'thrower', error: 'not my day' }]);
});

test('partition: one planner applies at a time, and the second hears who holds it (E6)', async () => {
  const { machine, clock, partition } = await simulated({ program: 'the first' });
  await assert.rejects(
    clock.until(openPartition({ partition: 'machine', machine, clock, apply: true })),
    (error: HotaddError) => error.code === 'HOTADD_BUSY' && /held by the first/.test(error.message),
  );
  const observer = await clock.until(openPartition({ partition: 'machine', machine, clock }));
  assert.equal(observer.memory.usableBytes, 512 * MiB);
  await observer.close();
  await partition.close();
  const next = await clock.until(openPartition({ partition: 'machine', machine, clock, apply: true }));
  await next.close();
});

test('partition: buffers of this process follow with one line of code (D7)', async () => {
  const { clock, machine, partition } = await simulated();
  let size = 10 * MiB;
  const setSize = (bytes: number) => {
    size = bytes;
  };
  partition.register(buffers('thumbnails', { size: () => size, resize: setSize }));
  machine.addMemory(512 * MiB);
  await clock.advance(1000);
  assert.equal(Math.round(size / MiB), 993);
  await partition.close();
});

test('partition: unmanaged use shrinks a driver only after room has been missing for 60 s (P3)', async () => {
  let others = 0;
  const clock = new ClockSim();
  let size = 100 * MiB;
  const setSize = (bytes: number) => {
    size = bytes;
  };
  const machine = new MachineSim({
    bootBytes: 1024 * MiB,
    usedBytes: () => size + others,
    machineId: `pressed-${process.pid}`,
  });
  const partition = await clock.until(
    openPartition({ partition: 'machine', machine, clock, apply: true, reserve: 0 }),
  );
  partition.register(buffers('cache', { size: () => size, resize: setSize }), {
    existing: true,
    max: 500 * MiB,
  });
  await clock.advance(1000);
  assert.equal(size / MiB, 500);
  others = 600 * MiB;
  await clock.advance(50_000);
  assert.equal(size / MiB, 500);
  await clock.advance(30_000);
  assert.equal(Math.round(size / MiB), 393);
  await clock.until(partition.close());
});

test('partition: drivers that register together are planned for in one pass', async () => {
  const reads = async (count: number) => {
    const { clock, partition, outcomes } = await simulated();
    let read = 0;
    for (let index = 0; index < count; index += 1) {
      const driver = new DriverSim(`cache ${index}`, { sizeBytes: MiB });
      const readState = driver.read.bind(driver);
      driver.read = () => {
        read += 1;
        return readState();
      };
      partition.register(driver, { existing: true });
    }
    await clock.advance(4_000);
    const [first, second] = outcomes;
    assert.equal(first?.change.cause, `cache 0 has registered, and ${count - 1} more`);
    assert.deepEqual([first?.answers.length, second], [count, undefined]);
    await clock.until(partition.close());
    return read / count;
  };
  assert.equal(await reads(10), await reads(100), 'reads of each driver, however many there are');
});

test('partition: a driver is left as found until memory changes (N11)', async () => {
  const { clock, machine, partition } = await simulated();
  const driver = new DriverSim('cache', { sizeBytes: 100 * MiB });
  partition.register(driver);
  await clock.advance(20_000);
  assert.equal(driver.calls.length, 0);
  machine.addMemory(512 * MiB);
  await clock.advance(2000);
  assert.equal(driver.calls.length, 1);
  await clock.until(partition.close());
});

test('partition: a driver that restarted is set again at the next look, not minutes later (E3)', async () => {
  const { clock, partition, add } = await simulated();
  const driver = add('cache', 100);
  await clock.advance(4000);
  const set = driver.sizeBytes;
  driver.instance = 'second';
  driver.sizeBytes = driver.heldBytes = 64 * MiB;
  await clock.advance(7000);
  assert.equal(driver.sizeBytes, set);
  await clock.until(partition.close());
});

test('partition: what a pass could not mend is not asked again at every look (E10)', async () => {
  const { clock, partition, add } = await simulated();
  const driver = add('cache', 100);
  await clock.advance(4000);
  driver.behaviour = 'throw';
  driver.sizeBytes = driver.heldBytes = 64 * MiB;
  const before = driver.calls.length;
  await clock.advance(60_000);
  assert.equal(driver.calls.length - before, 1);
  await clock.advance(150_000);
  assert.ok(driver.calls.length - before >= 2, 'the drift pass is the retry');
  await clock.until(partition.close());
});

test('partition: options that are no amounts are refused with the place (E4)', async () => {
  const { partition, clock } = await simulated();
  await assert.rejects(openPartition({ reserve: -1 }), /reserve: is -1; give bytes from 0/);
  await assert.rejects(openPartition({ reserve: { percent: 200 } }), /reserve: is 200 percent/);
  const driver = new DriverSim('cache', { sizeBytes: 1 });
  assert.throws(() => partition.register(driver, { max: { percent: 300 } }), /cache: max: is 300 percent/);
  await clock.until(partition.close());
});

test('partition: closed, it leaves nothing running', async () => {
  const { clock, machine, partition, add } = await simulated();
  const driver = add('cache', 100);
  await clock.advance(1000);
  await partition.close();
  machine.addMemory(512 * MiB);
  const calls = driver.calls.length;
  await clock.advance(10_000);
  assert.equal(driver.calls.length, calls);
  assert.throws(
    () => partition.onChange(() => {}),
    (error: HotaddError) => error.code === 'HOTADD_CLOSED',
  );
});

test('partition: whoever is told and throws harms only itself', async () => {
  const told = new Set<string>();
  const throws = (what: string) => () => {
    told.add(what);
    throw new Error('not my day');
  };
  const { clock, machine, partition, add } = await simulated({
    onMemory: throws('memory'),
    onLook: throws('look'),
    onOutcome: throws('outcome'),
  });
  const driver = add('cache', 100);
  await clock.advance(10_000);
  machine.addMemory(512 * MiB);
  await clock.advance(10_000);
  assert.deepEqual([...told].sort(), ['look', 'memory', 'outcome']);
  assert.ok(driver.sizeBytes > 900 * MiB, `${driver.sizeBytes}`);
  await clock.until(partition.close());
});
