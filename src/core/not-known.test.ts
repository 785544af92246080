// What is not known counts as the most it may be: drivers that cannot be read, calls that have not landed,
// memory that may be somebody else's. Each of these was found by the simulation.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { twoDrivers } from '../../test/notifier-world.ts';
import { ClockSim } from '../testing/clock-sim.ts';
import { DriverSim } from '../testing/driver-sim.ts';
import { MiB } from './bytes.ts';
import type { PhysicalMemory } from './memory.ts';
import { Round } from './round.ts';
import { Shell } from './shell.ts';

const mib = (driver: DriverSim) => Math.round(driver.sizeBytes / MiB);

/** From now on it cannot be read. */
function dies(driver: DriverSim): void {
  driver.read = () => Promise.reject(new Error('connection refused'));
}

test('look: a driver that answers no read holds up the others for two seconds at most (E5)', async () => {
  const { world, first, second } = await twoDrivers();
  second.read = () => new Promise(() => {});
  const startedMs = world.clock.monotonicMs();
  const arriving = world.arriveAt(516);
  await world.clock.advance(2_100);
  assert.equal(first.calls.at(-1)?.phase, 'arrival');
  assert.ok(mib(first) < 493, `${mib(first)} MiB`);
  await world.clock.until(arriving);
  assert.ok(world.clock.monotonicMs() - startedMs < 35_000);
});

test('look: while one driver is waited for, the others count as they were read last (P1)', async () => {
  const { world, first, second } = await twoDrivers(716);
  const { read } = second;
  let answer = () => {};
  second.read = async () => {
    await new Promise<void>((resolve) => {
      answer = resolve;
    });
    return read.call(second);
  };
  const looking = world.notifier.look();
  await world.clock.advance(10);
  first.sizeBytes = first.heldBytes = 600 * MiB;
  await world.registry.member('first')?.shell.read();
  answer();
  const { readings } = await world.clock.until(looking);
  assert.equal(readings[0]?.state?.costBytes, 600 * MiB);
});

test('look: a read that was slow brings no older state back (P1)', async () => {
  const { world, second } = await twoDrivers(716);
  const shell = world.registry.member('second')?.shell ?? assert.fail();
  const { read } = second;
  const old = await read.call(second);
  let answer = () => {};
  second.read = () =>
    new Promise((resolve) => {
      answer = () => resolve(old);
    });
  const slow = shell.read();
  second.read = read;
  second.sizeBytes = second.heldBytes = 600 * MiB;
  await shell.read();
  answer();
  assert.equal((await slow).costBytes, old.costBytes);
  assert.equal(shell.state?.costBytes, 600 * MiB);
});

test('room: a driver that has grown and cannot be read since counts at its new size (P1)', async () => {
  const { world, first, second } = await twoDrivers(516);
  const { read } = second;
  let reads = 0;
  // It is read before the change, and once after its call: then it is gone.
  second.read = () => (++reads > 2 ? Promise.reject(new Error('connection refused')) : read.call(second));
  const { resize } = second;
  second.resize = async (...call) => {
    const asked = await resize.apply(second, call);
    // It has not filled yet: what is in use does not give its size away.
    second.heldBytes = 50 * MiB;
    return asked;
  };
  await world.clock.until(world.arriveAt(1016));
  assert.equal(mib(second), 493);
  await world.clock.until(world.arriveAt(1216));
  assert.ok(mib(first) + 493 <= 1216 - 36, `${mib(first)} MiB beside 493 MiB that may come back`);
});

test("room: what an unreadable driver held may be others' by now: nobody grows into it (P1)", async () => {
  const { world, first, second } = await twoDrivers(516);
  dies(second);
  second.heldBytes = 0;
  world.othersBytes = 250 * MiB;
  const { plan } = (await world.clock.until(world.arriveAt(1016)))
    ? await world.notifier.look()
    : assert.fail();
  assert.equal(Math.floor(plan.growthRoomBytes / MiB), 985 - 250);
  assert.equal(Math.floor(plan.roomBytes / MiB), 985);
  assert.equal(Math.floor(first.sizeBytes / MiB), 985 - 250 - 250);
  assert.equal(mib(second), 250);
});

test('answer: a call that lands unread is followed by no other, and still counts (P1)', async () => {
  const clock = new ClockSim();
  const driver = new DriverSim('cache', { sizeBytes: 1000 });
  const shell = new Shell(driver, clock);
  const before = await shell.read();
  const memory = {} as PhysicalMemory;
  driver.behaviour = 'hang';
  const older = new Round(1, 'arrival');
  const growing = shell.resize({ bytes: 3000, memory }, before, older);
  await clock.advance(10);
  older.overtaken = true;
  shell.abort('a newer change');
  await clock.until(growing);
  // The plan counts 3000 by now, so 2000 is a shrink: whether there is room for it from 1000 nobody has
  // asked.
  const shrinking = shell.resize({ bytes: 2000, memory }, before, new Round(2, 'arrival'));
  await clock.advance(10);
  dies(driver);
  driver.release();
  const answer = await clock.until(shrinking);
  assert.deepEqual([answer.verdict, answer.note], ['failed', 'connection refused']);
  assert.equal(driver.calls.length, 1);
  assert.equal(shell.askedBytes, 3000);
});
