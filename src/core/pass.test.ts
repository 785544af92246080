// One pass over many drivers: what growth may count on when it had to wait (P1).
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sizes, World } from '../../test/notifier-world.ts';
import { DriverSim } from '../testing/driver-sim.ts';
import { MiB } from './bytes.ts';
import { pause } from './clock.ts';

const taken = ({ drivers }: World) =>
  drivers.reduce((sum, { sizeBytes, heldBytes }) => sum + Math.max(sizeBytes, heldBytes ?? 0), 0) / MiB;

test('pass: growth that had to wait counts what others have come to hold meanwhile (P1)', async () => {
  const world = new World(1016);
  world.add('large', 800);
  const still = world.add('still', 100, { ceilingBytes: 100 * MiB });
  world.add('small', 10);
  const arriving = world.notifier.arrive('begin');
  await world.clock.advance(100);
  still.heldBytes = 300 * MiB;
  await world.clock.until(arriving);
  assert.ok(taken(world) <= 986, `drivers take ${taken(world)} MiB`);
});

test('pass: growth that had to wait counts a driver that has registered meanwhile (P1, N14)', async () => {
  const world = new World(1016);
  world.add('large', 900);
  world.add('small', 10);
  const arriving = world.notifier.arrive('begin');
  await world.clock.advance(100);
  world.add('newcomer', 300);
  await world.clock.until(arriving);
  assert.ok(taken(world) <= 986, `drivers take ${taken(world)} MiB`);
});

test('pass: while drivers hold more than the room, none grows into what it holds already (P1)', async () => {
  const world = new World(1016);
  const holder = world.add('holder', 100);
  holder.heldBytes = 1000 * MiB;
  await world.settled();
  assert.deepEqual(sizes(world), [100]);
});

test('pass: a driver that unregisters is called no more, neither to grow nor to be read (N12)', async () => {
  const world = new World(1016);
  world.add('large', 900);
  const small = new DriverSim('small', { sizeBytes: 10 * MiB });
  const shrinking = new DriverSim('shrinking', { sizeBytes: 600 * MiB });
  const registrations = [small, shrinking].map((driver) => world.registry.register(driver));
  const arriving = world.notifier.arrive('begin');
  await world.clock.advance(100);
  await world.clock.until(Promise.all(registrations.map((registration) => registration.unregister())));

  const calls: string[] = [];
  for (const driver of [small, shrinking]) {
    driver.read = async () => {
      calls.push(`read ${driver.name}`);
      throw new Error('called after it had unregistered');
    };
    driver.resize = async () => {
      calls.push(`resize ${driver.name}`);
      return [];
    };
  }
  await world.clock.until(arriving);
  assert.deepEqual(calls, []);
});

test('pass: unregister waits for a read in flight (N12)', async () => {
  const world = new World(1016);
  const slow = new DriverSim('slow', { sizeBytes: 10 * MiB });
  const read = slow.read.bind(slow);
  slow.read = () => pause(world.clock, 300).then(read);
  const registration = world.registry.register(slow);
  void world.notifier.look();
  await world.clock.until(registration.unregister());
  assert.equal(world.clock.monotonicMs(), 300);
});

test('pass: taking back what waits for a restart lets nobody grow before there is room (P1)', async () => {
  const world = new World(1016);
  const waits = world.add('waits', 400);
  world.add('large', 700);
  const read = waits.read.bind(waits);
  waits.read = async () => ({ ...(await read()), afterRestartBytes: 600 * MiB });
  const arriving = world.notifier.arrive('begin');
  await world.clock.advance(100);
  const [asked] = waits.calls;
  assert.ok(asked && 'bytes' in asked.target && asked.target.bytes <= 400 * MiB);
  await world.clock.until(arriving);
});
