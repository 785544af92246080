// One pass over many drivers: what growth may count on when it had to wait (P1).
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sizes, World } from '../../test/notifier-world.ts';
import { MiB } from './bytes.ts';

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
