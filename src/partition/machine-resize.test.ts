// A planned change of a machine: memory blocks of a simulated one go offline and come online, with drivers.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { GiB, MiB } from '../core/bytes.ts';
import { pause } from '../core/clock.ts';
import type { HotaddError } from '../core/errors.ts';
import type { Outcome } from '../core/outcome.ts';
import { ClockSim } from '../testing/clock-sim.ts';
import { DriverSim } from '../testing/driver-sim.ts';
import { MachineSim, type MachineSimOptions } from '../testing/machine-sim.ts';
import { type OpenOptions, openPartition } from './open.ts';

const MEMORY = '/sys/devices/system/memory';
let machines = 0;

/** 512 MiB at boot, of which block 0 never goes; 10 MiB in use beside the drivers. */
async function simulated(sim: Partial<MachineSimOptions> = {}, over: OpenOptions = {}) {
  const clock = new ClockSim();
  machines += 1;
  const drivers: DriverSim[] = [];
  const others = { bytes: 10 * MiB };
  const machine = new MachineSim({
    bootBytes: 512 * MiB,
    machineId: `machine-resize-${process.pid}-${machines}`,
    usedBytes: () => drivers.reduce((sum, { heldBytes }) => sum + (heldBytes ?? 0), others.bytes),
    offlining: () => pause(clock, 20),
    ...sim,
  });
  const outcomes: Outcome[] = [];
  const onOutcome = (outcome: Outcome) => void outcomes.push(outcome);
  const options = { partition: 'machine', machine, clock, apply: true, reserve: 0, onOutcome, ...over };
  const partition = await clock.until(openPartition(options));
  const add = async (name: string, sizeMiB: number) => {
    const driver = new DriverSim(name, { sizeBytes: sizeMiB * MiB, stepBytes: MiB });
    drivers.push(driver);
    partition.register(driver, { existing: true });
    await clock.advance(5_000);
    outcomes.length = 0;
    return driver;
  };
  const resize = (bytes: number) => clock.until(partition.resize(bytes));
  /** Time in which an observed change would have come. */
  const afterwards = async () => {
    await clock.advance(20_000);
    await clock.until(partition.close());
    return outcomes;
  };
  const states = () =>
    machine.list(MEMORY).flatMap((name) => (name.startsWith('memory') ? name.slice(6) : []));
  const offline = () =>
    states()
      .filter((block) => machine.readText(`${MEMORY}/memory${block}/state`).trim() === 'offline')
      .map(Number);
  return { clock, machine, partition, outcomes, others, add, resize, afterwards, offline };
}

test('machine: a planned shrink takes blocks when the drivers have made room (F2)', async () => {
  const { machine, add, resize, afterwards, offline } = await simulated();
  machine.addMemory(512 * MiB, { zone: 'Movable' });
  const driver = await add('cache', 900);
  const outcome = await resize(512 * MiB);
  assert.equal(outcome.result, 'done');
  assert.deepEqual([outcome.change.kind, outcome.change.origin], ['shrink', 'planned']);
  assert.match(outcome.report, /^-512 MiB \(1 GiB -> 512 MiB, memory blocks\)/);
  assert.deepEqual(offline(), [4, 5, 6, 7]);
  assert.equal(machine.onlineBytes, 512 * MiB);
  assert.ok(driver.sizeBytes < 500 * MiB);
  assert.deepEqual(driver.endings, [{ changeId: outcome.change.changeId, phase: 'complete' }]);
  assert.equal((await afterwards()).length, 1, 'the blocks that go one by one are no change of their own');
});

test('machine: blocks in zone Movable go first, then the others from the highest', async () => {
  const { machine, resize, afterwards, offline } = await simulated();
  machine.addMemory(256 * MiB, { zone: 'Movable' });
  machine.addMemory(256 * MiB);
  await resize(512 * MiB + 128 * MiB);
  assert.deepEqual(offline(), [4, 5, 7]);
  await afterwards();
});

test('machine: an amount between blocks is rounded down before the change, and said', async () => {
  const { machine, resize, afterwards, offline } = await simulated();
  machine.addMemory(512 * MiB);
  const outcome = await resize(900 * MiB);
  assert.equal(outcome.result, 'done');
  assert.equal(outcome.change.toBytes, 896 * MiB);
  assert.match(outcome.report, /900 MiB was asked, and whole memory blocks of 128 MiB give 896 MiB/);
  assert.deepEqual(offline(), [7]);
  await afterwards();
});

test('machine: with blocks of 2 GiB the room is proven for the amount that results (F2)', async () => {
  const { add, resize, afterwards, offline, machine } = await simulated({
    bootBytes: 4 * GiB,
    blockBytes: 2 * GiB,
  });
  machine.addMemory(4 * GiB, { zone: 'Movable' });
  const driver = await add('cache', 7000);
  const outcome = await resize(7 * GiB);
  assert.equal(outcome.change.toBytes, 6 * GiB, outcome.report);
  assert.ok(driver.sizeBytes < 6 * GiB);
  assert.deepEqual(offline(), [3]);
  await afterwards();
});

test('machine: MemTotal that is no multiple of blocks goes down by whole ones', async () => {
  const { machine, resize, afterwards } = await simulated();
  const reserved = 37 * MiB;
  const meminfo = () => {
    const kib = (machine.onlineBytes - reserved) / 1024;
    return `MemTotal: ${kib} kB\nMemFree: ${kib} kB\nMemAvailable: ${kib - 10 * 1024} kB\n`;
  };
  const readText = machine.readText.bind(machine);
  machine.readText = (path) => (path === '/proc/meminfo' ? meminfo() : readText(path));
  const outcome = await resize(470 * MiB - 4096);
  assert.equal(outcome.result, 'done');
  assert.equal(outcome.usableBytes, (512 - 128) * MiB - reserved);
  await afterwards();
});

test('machine: a block that the kernel refuses is named, and the next one goes', async () => {
  const refuses = (block: number) => (block === 7 ? 'EBUSY' : undefined);
  const { machine, resize, afterwards, offline } = await simulated({ refuses });
  machine.addMemory(512 * MiB, { zone: 'Movable' });
  const outcome = await resize(768 * MiB);
  assert.equal(outcome.result, 'done');
  assert.deepEqual(offline(), [5, 6]);
  assert.match(outcome.reason ?? '', /memory block 7 stays online: .*the kernel refuses: EBUSY/);
  assert.equal((await afterwards()).length, 1);
});

test('machine: when no block goes the change fails and settings are handed back (F3)', async () => {
  const { machine, add, resize, afterwards } = await simulated({ refuses: () => 'EBUSY' });
  machine.addMemory(512 * MiB, { zone: 'Movable' });
  const driver = await add('cache', 900);
  const before = driver.sizeBytes;
  const outcome = await resize(512 * MiB);
  assert.equal(outcome.result, 'failed');
  assert.match(outcome.reason ?? '', /no memory block moved: memory block 7 stays online.*; and 6 more/);
  assert.equal(driver.sizeBytes, before);
  assert.deepEqual(
    outcome.handedBack.map(({ asBefore }) => asBefore),
    [true],
  );
  assert.equal(machine.onlineBytes, GiB);
  assert.equal((await afterwards()).length, 1);
});

test('machine: when some blocks go it is partly done, and nothing is undone', async () => {
  const refuses = (block: number) => (block < 7 ? 'EAGAIN' : undefined);
  const { machine, add, resize, afterwards, offline } = await simulated({ refuses });
  machine.addMemory(512 * MiB, { zone: 'Movable' });
  const driver = await add('cache', 900);
  const outcome = await resize(512 * MiB);
  assert.equal(outcome.result, 'partly');
  assert.match(outcome.reason ?? '', /^MemTotal reached 896 MiB; memory block 6 stays online/);
  assert.deepEqual(offline(), [7]);
  assert.ok(driver.sizeBytes > 800 * MiB && driver.sizeBytes < 896 * MiB, 'the driver follows what there is');
  assert.equal((await afterwards()).length, 1);
});

test('machine: room that is lost between two blocks ends the shrink there (F2)', async () => {
  const others = { lost: () => {} };
  const offlining = async (block: number) => {
    if (block === 6) others.lost();
  };
  const { machine, resize, afterwards, offline, others: used } = await simulated({ offlining });
  others.lost = () => {
    used.bytes = 700 * MiB;
  };
  machine.addMemory(512 * MiB, { zone: 'Movable' });
  const outcome = await resize(512 * MiB);
  assert.equal(outcome.result, 'partly');
  assert.match(
    outcome.reason ?? '',
    /reached 768 MiB; stopped: 700 MiB in use and 16 MiB .* do not fit 640 MiB/,
  );
  assert.deepEqual(offline(), [6, 7]);
  await afterwards();
});

test('machine: after the deadline no block is begun, and what is reached is told', async () => {
  const clock = { pause: (_ms: number) => Promise.resolve() };
  const sim = await simulated({ offlining: () => clock.pause(25_000) });
  clock.pause = (delayMs) => pause(sim.clock, delayMs);
  sim.machine.addMemory(512 * MiB, { zone: 'Movable' });
  await sim.clock.advance(5_000);
  sim.outcomes.length = 0;
  const arrivals: string[] = [];
  const { notifier } = sim.partition;
  const arrive = notifier.arrive.bind(notifier);
  notifier.arrive = (cause) => {
    arrivals.push(cause);
    return arrive(cause);
  };
  const outcome = await sim.resize(512 * MiB);
  assert.deepEqual(arrivals, []);
  assert.equal(outcome.result, 'partly');
  assert.match(outcome.reason ?? '', /reached 640 MiB; stopped after 60 s/);
  assert.deepEqual(sim.offline(), [5, 6, 7]);
  assert.equal((await sim.afterwards()).length, 1, 'seconds between two blocks make no change of their own');
});

test('machine: memory that falls for another reason meanwhile is what is planned for after it', async () => {
  const more = { gone: () => {} };
  const sim = await simulated({ offlining: async () => more.gone() });
  const { machine, add, resize, afterwards } = sim;
  const module = machine.addMemory(512 * MiB, { zone: 'Movable' });
  const second = machine.addMemory(256 * MiB);
  const driver = await add('cache', 1100);
  more.gone = () => {
    more.gone = () => {};
    machine.removeMemory(second);
  };
  const outcome = await resize(1152 * MiB);
  assert.equal(module.blocks.length, 4);
  assert.match(outcome.reason ?? '', /MemTotal reached 896 MiB/);
  assert.equal(outcome.usableBytes, 896 * MiB);
  assert.ok(driver.sizeBytes < 896 * MiB);
  assert.equal((await afterwards()).length, 1);
});

test('machine: a planned growth brings blocks online from the lowest, never more than asked', async () => {
  const { machine, add, resize, afterwards, offline } = await simulated({}, { online: 'online_movable' });
  machine.addMemory(512 * MiB, { online: false });
  const driver = await add('cache', 100);
  const before = driver.sizeBytes;
  const outcome = await resize(850 * MiB);
  assert.equal(outcome.result, 'done');
  assert.deepEqual([outcome.change.kind, outcome.change.toBytes], ['grow', 768 * MiB]);
  assert.deepEqual(offline(), [6, 7]);
  assert.equal(machine.readText(`${MEMORY}/memory4/valid_zones`), 'Movable\n');
  assert.ok(driver.sizeBytes > before);
  assert.equal((await afterwards()).length, 1);
});

test('machine: a growth for which fewer blocks wait is partly done', async () => {
  const { machine, resize, afterwards } = await simulated();
  machine.addMemory(128 * MiB, { online: false });
  const outcome = await resize(GiB);
  assert.equal(outcome.result, 'partly');
  assert.match(outcome.reason ?? '', /MemTotal reached 640 MiB; no more added memory waits/);
  await afterwards();
});

test('machine: what cannot be had is refused with what can, before anybody is told (E4)', async () => {
  const { partition, clock, machine, add, outcomes } = await simulated();
  const driver = await add('cache', 100);
  const calls = driver.calls.length;
  await assert.rejects(clock.until(partition.resize(GiB)), (error: HotaddError) => {
    assert.equal(error.code, 'HOTADD_UNSUPPORTED');
    return /512 MiB is online, and no added memory is waiting.*add a memory module/.test(error.message);
  });
  await assert.rejects(
    clock.until(partition.resize(64 * MiB)),
    /4 memory blocks of 128 MiB would have to go offline, and 3 can; 128 MiB is the least/,
  );
  Object.assign(machine, {
    mayWrite: (path: string) => {
      throw Object.assign(new Error(`EROFS: ${path}`), { code: 'EROFS' });
    },
  });
  await assert.rejects(clock.until(partition.resize(256 * MiB)), { code: 'HOTADD_MISSING_RIGHT' });
  machine.remove(`${MEMORY}/block_size_bytes`);
  await assert.rejects(clock.until(partition.resize(256 * MiB)), /has no memory blocks.*name a cgroup/);
  assert.deepEqual([driver.calls.length, outcomes.length], [calls, 0]);
  await clock.until(partition.close());
});

test('machine: what it has already is done at once', async () => {
  const { machine, resize, afterwards } = await simulated();
  machine.addMemory(128 * MiB, { online: false });
  const outcome = await resize(513 * MiB);
  assert.equal(outcome.result, 'done');
  assert.match(outcome.reason ?? '', /^MemTotal is 512 MiB already; 513 MiB was asked/);
  await afterwards();
});

test('machine: closing ends a shrink whose block does not come to an end', async () => {
  const { machine, partition, clock, add, outcomes } = await simulated({
    offlining: () => new Promise(() => {}),
  });
  machine.addMemory(512 * MiB, { zone: 'Movable' });
  const driver = await add('cache', 900);
  const planned = partition.resize(512 * MiB);
  await clock.advance(10_000);
  assert.equal(partition.notifier.state, 'operating');
  await clock.until(partition.close());
  assert.match((await planned).reason ?? '', /memory block 7 is still on its way offline/);
  assert.ok(driver.sizeBytes < 512 * MiB, 'what was given back is not taken again');
  assert.equal(outcomes.length, 1);
});

test('machine: a block that does not come to an end does not hold the partition for ever', async () => {
  const { machine, clock, partition, resize, add } = await simulated({
    offlining: () => new Promise(() => {}),
  });
  machine.addMemory(512 * MiB, { zone: 'Movable' });
  await add('cache', 100);
  const began = clock.monotonicMs();
  const outcome = await resize(512 * MiB);
  assert.equal(outcome.result, 'partly');
  assert.match(
    outcome.reason ?? '',
    /reached 1 GiB; stopped after 60 s, and memory block 7 is still on its way offline/,
  );
  assert.ok(clock.monotonicMs() - began < 100_000);
  assert.equal(partition.notifier.state, 'idle');
  await clock.until(partition.close());
});
