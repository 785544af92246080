// Followers: drivers whose settings follow memory and take none of it. When they are set again without a
// change.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { verdicts, World } from '../../test/notifier-world.ts';
import type { DriverSim } from '../testing/driver-sim.ts';

const MEASURE_TIMES = 3;

function withFollower() {
  const world = new World(1016);
  const hint = world.add('hint', 0, { ceilingBytes: 0 });
  return { world, hint };
}

const repaired = ({ clock, notifier }: World) => clock.until(notifier.repair('drift pass'));
const askedTimes = (hint: DriverSim) => hint.calls.length;

test('follower: the first pass of a life sets it, and those after it write nothing (E1)', async () => {
  const { world, hint } = withFollower();
  assert.deepEqual(verdicts(await repaired(world)), { hint: 'resized' });
  assert.equal(world.intents.at(-1)?.drivers[0]?.driver, 'hint');
  for (let time = 0; time < MEASURE_TIMES; time += 1) {
    assert.equal(await repaired(world), null);
    assert.equal(await world.clock.until(world.notifier.measure()), null);
  }
  assert.deepEqual([askedTimes(hint), world.intents.length, world.outcomes.length], [1, 1, 1]);
});

test('follower: one that has restarted is set again (E3)', async () => {
  const { world, hint } = withFollower();
  await world.settled();
  hint.instance = 'second';
  assert.deepEqual(verdicts(await world.clock.until(world.notifier.measure())), { hint: 'resized' });
  assert.equal(await repaired(world), null);
});

test('follower: one that could not be read when memory changed is set when it can be (E1)', async () => {
  const { world, hint } = withFollower();
  await world.settled();
  const { read } = hint;
  hint.read = () => Promise.reject(new Error('connection refused'));
  await world.clock.until(world.arriveAt(2016));
  hint.read = read;
  const asked = askedTimes(hint);
  assert.deepEqual(verdicts(await repaired(world)), { hint: 'resized' });
  assert.equal(askedTimes(hint), asked + 1);
});

test('follower: one that failed is asked again, and one that refused is not (E10)', async () => {
  const { world, hint } = withFollower();
  hint.behaviour = 'throw';
  await world.settled();
  assert.deepEqual(verdicts(await repaired(world)), { hint: 'failed' });
  hint.behaviour = 'refuse';
  assert.deepEqual(verdicts(await repaired(world)), { hint: 'refused' });
  assert.equal(await repaired(world), null);
});

test('follower: one that was left as found stays so until memory changes (E3)', async () => {
  const standing = (_member: unknown, _state: unknown, repair: boolean) => (repair ? 'left as found' : null);
  const world = new World(1016, { standing });
  const hint = world.add('hint', 0, { ceilingBytes: 0 });
  assert.equal(await repaired(world), null);
  await world.clock.until(world.arriveAt(2016));
  assert.equal(askedTimes(hint), 1);
});
