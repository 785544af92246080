// Who is registered, as those see it who walk the list.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ClockSim } from '../testing/clock-sim.ts';
import { DriverSim } from '../testing/driver-sim.ts';
import { Registry } from './registry.ts';

const driver = (name: string) => new DriverSim(name, { sizeBytes: 1 });

test('registry: members are listed anew only when somebody has come or gone', async () => {
  const registry = new Registry(new ClockSim());
  const names = () => registry.members.map(({ name }) => name);
  assert.deepEqual(names(), []);
  const first = registry.register(driver('first'));
  registry.register(driver('second'));
  const { members } = registry;
  assert.deepEqual(names(), ['first', 'second']);
  assert.equal(registry.members, members);
  await first.unregister();
  assert.deepEqual(names(), ['second']);
  await first.unregister();
  registry.register(driver('third'));
  assert.deepEqual(names(), ['second', 'third']);
  assert.equal(members.length, 2, 'who walks a list walks those who were there');
  await registry.close();
  assert.deepEqual(names(), []);
});
