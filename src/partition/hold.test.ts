// Several processes in one partition (E6), on the simulated machine: who joins, who is turned away, and who
// goes on when the one that holds the lock is gone.
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { GiB } from '../core/bytes.ts';
import type { HotaddError } from '../core/errors.ts';
import { ClockSim } from '../testing/clock-sim.ts';
import { DriverSim } from '../testing/driver-sim.ts';
import { MachineSim } from '../testing/machine-sim.ts';
import { type OpenOptions, openPartition } from './open.ts';

function world(t: TestContext) {
  const clock = new ClockSim();
  const machine = new MachineSim({ bootBytes: 4 * GiB });
  const open = async (options: OpenOptions = {}) => {
    const opening = openPartition({ partition: 'machine', machine, clock, apply: true, ...options });
    const partition = await clock.until(opening);
    t.after(() => clock.until(partition.close()));
    return partition;
  };
  const join = async () => {
    const partition = await open({ processes: 3 });
    const driver = new DriverSim('cache', { sizeBytes: 0 });
    partition.register(driver, { existing: true });
    return { partition, driver };
  };
  return { clock, machine, open, join };
}

test('hold: each of several takes its share, and together they take the room (E6)', async (t) => {
  const { clock, machine, join } = world(t);
  const workers = [await join(), await join(), await join()];
  await clock.advance(5_000);
  const sizes = () => workers.map(({ driver }) => driver.sizeBytes);
  assert.equal(new Set(sizes()).size, 1);
  const before = sizes()[0] ?? 0;
  assert.ok(before > GiB * 0.9 && 3 * before < 4 * GiB, `${before}`);
  machine.addMemory(4 * GiB);
  await clock.advance(5_000);
  assert.ok(sizes().every((bytes) => bytes > 1.9 * before && 3 * bytes < 8 * GiB));
});

test('hold: who shares with another number, or with nobody, is turned away (E6)', async (t) => {
  const { open, join } = world(t);
  await join();
  for (const options of [{ processes: 2 }, {}, { processes: 1 }])
    await assert.rejects(open(options), (error: HotaddError) => {
      assert.equal(error.code, 'HOTADD_BUSY');
      return /for 3 processes; .* same number of processes/.test(error.message);
    });
  const observer = await open({ apply: false });
  assert.equal(observer.applies, false);
});

test('hold: what is no number of processes is refused with the place (E4)', async () => {
  for (const processes of [0, -1, 1.5, Number.NaN])
    await assert.rejects(openPartition({ processes }), { code: 'HOTADD_BAD_USAGE', place: 'processes' });
});

test('hold: when the holder is gone the others go on, and nobody else gets in (E6)', async (t) => {
  const { clock, machine, open, join } = world(t);
  const workers = [await join(), await join(), await join()];
  await clock.advance(5_000);
  machine.dropLocks();
  await clock.advance(10);
  await assert.rejects(open(), { code: 'HOTADD_BUSY' });
  assert.deepEqual(
    workers.map(({ partition }) => partition.applies),
    [true, true, true],
  );
});

test('hold: while a stranger holds the partition they only plan, and go on after it (E6)', async (t) => {
  const { clock, machine, join } = world(t);
  const workers = [await join(), await join()];
  await clock.advance(5_000);
  const [first, second] = workers;
  const before = second?.driver.sizeBytes;
  // The holder closes, and a stranger is faster than the other.
  const closed = clock.until(first?.partition.close() ?? Promise.resolve());
  machine.dropLocks();
  const stranger = await machine.lock(second?.partition.identity ?? '', { program: 'an agent' });
  assert.ok(!('heldBy' in stranger));
  await closed;
  await clock.advance(100);
  assert.equal(second?.partition.applies, false);
  machine.addMemory(4 * GiB);
  await clock.advance(5_000);
  assert.equal(second?.driver.sizeBytes, before);
  await stranger.release();
  await clock.advance(1_100);
  assert.equal(second?.partition.applies, true);
  await clock.advance(300_000);
  assert.ok((second?.driver.sizeBytes ?? 0) > (before ?? 0), 'the drift pass makes up for what was missed');
});

test('hold: a planned change is refused where several share the partition', async (t) => {
  const { clock, join } = world(t);
  const { partition } = await join();
  await assert.rejects(clock.until(partition.resize(GiB)), { code: 'HOTADD_UNSUPPORTED' });
});
