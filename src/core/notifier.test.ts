// The notifier on a small simulated world: observed changes, passes, and drivers that misbehave.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sizes, twoDrivers, verdicts, World } from '../../test/notifier-world.ts';
import { DriverSim } from '../testing/driver-sim.ts';
import { MiB } from './bytes.ts';
import { HotaddError } from './errors.ts';

test('observed growth: drivers share the new room, and each growth is proven', async () => {
  const { world } = await twoDrivers(516);
  assert.deepEqual(sizes(world), [250, 250]);
  const outcome = await world.clock.until(world.arriveAt(1016));
  assert.equal(outcome?.result, 'done');
  assert.deepEqual(sizes(world), [493, 493]);
  assert.ok(outcome?.answers.every(({ verdict, proven }) => verdict === 'resized' && proven));
  assert.equal(world.notifier.state, 'idle');
});

test('observed shrink: drivers are resized down at once, largest excess first', async () => {
  const { world } = await twoDrivers();
  const outcome = await world.clock.until(world.arriveAt(516));
  assert.deepEqual(sizes(world), [250, 250]);
  assert.equal(outcome?.result, 'done');
});

test('pass: one with nothing to do writes nothing', async () => {
  const { world, first } = await twoDrivers();
  const before = {
    intents: world.intents.length,
    outcomes: world.outcomes.length,
    calls: first.calls.length,
  };
  assert.equal(await world.clock.until(world.notifier.repair('drift pass')), null);
  assert.deepEqual(
    { intents: world.intents.length, outcomes: world.outcomes.length, calls: first.calls.length },
    before,
  );
});

test('pass: a driver above its max comes down to it, once, and not for less than a step (S4)', async () => {
  const world = new World(384);
  const driver = new DriverSim('cache', { sizeBytes: 224 * MiB, stepBytes: 32 * MiB });
  world.drivers.push(driver);
  world.registry.register(driver, { max: { percent: 50 } }, true);
  const pass = () => world.clock.until(world.notifier.repair('drift pass'));
  assert.equal((await pass())?.result, 'done');
  assert.equal(driver.sizeBytes, 192 * MiB);
  assert.equal(await pass(), null);
  driver.sizeBytes += 1;
  driver.heldBytes = driver.sizeBytes;
  assert.equal(await pass(), null);
  assert.equal(driver.calls.length, 1);
});

test('pass: history has the intent before any driver is called, and the outcome after (E2)', async () => {
  const world = new World(516);
  const driver = world.add('cache', 100);
  let intentsAtCall = -1;
  const plain = driver.resize.bind(driver);
  driver.resize = (target, context) => {
    intentsAtCall = world.intents.length;
    return plain(target, context);
  };
  await world.settled();
  assert.equal(intentsAtCall, 1);
  assert.equal(world.outcomes.length, 1);
  assert.equal(world.intents[0]?.change.changeId, world.outcomes[0]?.change.changeId);
});

test('pass: a driver that throws, lies, goes half way or refuses harms only itself (E5)', async () => {
  for (const [behaviour, verdict] of [
    ['throw', 'failed'],
    ['ignore', 'failed'],
    ['half', 'partial'],
    ['refuse', 'refused'],
  ] as const) {
    const { world, first } = await twoDrivers(516);
    first.behaviour = behaviour;
    const outcome = await world.clock.until(world.arriveAt(1016));
    assert.deepEqual(verdicts(outcome), { first: verdict, second: 'resized' });
    assert.equal(outcome?.result, 'partly');
  }
});

test('pass: a driver not to be read when memory changes is planned for once it can be (E3)', async () => {
  const world = new World(516, {
    standing: ({ name }, _state, repair) =>
      repair && world.drivers.find((each) => each.name === name)?.calls.length === 0 ? 'never set' : null,
  });
  const driver = world.add('cache', 400);
  await world.settled();
  assert.deepEqual([sizes(world), world.outcomes.length], [[400], 0]);
  const { read } = driver;
  driver.read = () => Promise.reject(new Error('no server listens there'));
  const outcome = await world.clock.until(world.arriveAt(216));
  assert.deepEqual([outcome?.result, outcome?.answers], ['partly', []]);
  driver.read = read;
  driver.instance = 'second';
  const mended = await world.clock.until(world.notifier.measure());
  assert.deepEqual([mended?.change.kind, sizes(world)], ['repair', [200]]);
});

test('pass: a driver that hangs is stuck, and growth that needs nothing of it goes on (E5)', async () => {
  const { world, first } = await twoDrivers(516);
  first.behaviour = 'hang';
  const arriving = world.arriveAt(1016);
  await world.clock.advance(50);
  assert.equal(Math.round((world.drivers[1]?.sizeBytes ?? 0) / MiB), 493);
  assert.deepEqual(verdicts(await world.clock.until(arriving)), { first: 'stuck', second: 'resized' });
});

test('pass: growth waits until the shrink that gives it room is proven (P1)', async () => {
  const world = new World(1016);
  const large = world.add('large', 900);
  const small = world.add('small', 10);
  const sums: number[] = [];
  const plain = small.resize.bind(small);
  small.resize = (target, context) => {
    if ('bytes' in target) sums.push((target.bytes + Math.max(large.sizeBytes, large.heldBytes ?? 0)) / MiB);
    return plain(target, context);
  };
  await world.settled();
  assert.deepEqual(sizes(world), [493, 493]);
  assert.ok(sums.length > 0 && sums.every((sum) => sum <= 986), `room is 986, taken ${sums}`);
});

test('pass: when a shrink gives nothing, growth is cut to what is free (P1)', async () => {
  const world = new World(1016);
  const large = world.add('large', 800);
  const small = world.add('small', 10);
  large.behaviour = 'throw';
  await world.settled();
  assert.deepEqual(sizes(world), [800, 186]);
  assert.equal(small.calls.length, 1);
});

test('pass: unmanaged use that rises while drivers shrink is seen before growth is sent (P1)', async () => {
  const world = new World(1016);
  world.add('large', 900);
  world.add('small', 10);
  const arriving = world.notifier.arrive('begin');
  await world.clock.advance(100);
  world.othersBytes = 300 * MiB;
  await world.clock.until(arriving);
  const total = world.drivers.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0) / MiB;
  assert.ok(total <= 1016 - 30 - 300, `drivers take ${total} MiB`);
});

test('pass: what a driver takes while it cannot be read is not taken for unmanaged use (P3)', async () => {
  const world = new World(1016);
  const driver = world.add('cache', 100);
  await world.settled();
  driver.heldBytes = 12 * MiB;
  await world.clock.until(world.notifier.measure());
  // It fills up, too busy to answer.
  driver.heldBytes = 800 * MiB;
  const { read } = driver;
  driver.read = () => Promise.reject(new Error('no answer'));
  await world.clock.until(world.notifier.measure());
  driver.read = read;
  const { plan } = await world.clock.until(world.notifier.look());
  assert.equal(Math.round(plan.roomBytes / MiB), 986);
});

test('pass: a stale reading lets drivers only shrink, and gone lets nothing move (S2)', async () => {
  const { world } = await twoDrivers(516);
  world.stale = [{ reading: '/app/memory.high', error: 'EIO' }];
  await world.clock.until(world.arriveAt(1016));
  assert.deepEqual(sizes(world), [250, 250]);
  await world.clock.until(world.arriveAt(416));
  assert.deepEqual(sizes(world), [200, 200]);
  world.gone = true;
  assert.equal(await world.clock.until(world.arriveAt(316)), null);
  assert.deepEqual(sizes(world), [200, 200]);
});

test('pass: with apply false the plan is told and nobody is called', async () => {
  const world = new World(516, { apply: false });
  const driver = world.add('cache', 100);
  await world.settled();
  const outcome = await world.clock.until(world.arriveAt(1016));
  assert.equal(driver.calls.length, 0);
  assert.match(outcome?.report ?? '', /cache would go 100 MiB -> 986 MiB/);
});

test('pass: without a history shrinks go on and growth does not (E2)', async () => {
  const { world } = await twoDrivers(516);
  world.historyError = new HotaddError('HOTADD_HISTORY', 'disk full');
  assert.equal((await world.clock.until(world.arriveAt(1016)))?.result, 'failed');
  assert.deepEqual(sizes(world), [250, 250]);
  await world.clock.until(world.arriveAt(416));
  assert.deepEqual(sizes(world), [200, 200]);
});

test('observed change: a deeper fall overtakes the round under way (S4)', async () => {
  const { world } = await twoDrivers();
  const first = world.arriveAt(716);
  await world.clock.advance(500);
  const second = world.arriveAt(416);
  await world.clock.until(second);
  const outcome = await first;
  assert.equal(outcome?.result, 'partly');
  assert.match(outcome?.reason ?? '', /overtaken/);
  assert.deepEqual(sizes(world), [200, 200]);
});

test('report: the line adds up: costs and unclaimed are the room (F4)', async () => {
  const world = new World(516);
  world.add('cache', 100, { ceilingBytes: 200 * MiB });
  await world.settled();
  const outcome = await world.clock.until(world.arriveAt(1016));
  assert.match(
    outcome?.report ?? '',
    /^\+500 MiB \(516 MiB -> 1016 MiB, memory\.max of \/app\): nobody had to move; /,
  );
  assert.match(
    outcome?.report ?? '',
    /room 986 MiB = 200 MiB in drivers \+ 786 MiB unclaimed \(cache: ceiling 200 MiB: its .* simulated\)$/,
  );
});

test('report: a driver that is shrunk to nothing has moved, and follows nothing (F4)', async () => {
  const { world } = await twoDrivers();
  world.othersBytes = 900 * MiB;
  const outcome = await world.clock.until(world.arriveAt(916));
  assert.match(outcome?.report ?? '', /: first 493 MiB -> 0 B resized, proven, second /);
  assert.doesNotMatch(outcome?.report ?? '', /follows/);
});

test('weight: 0 is the minimum and no share, and what is no number is refused (P2, E4)', async () => {
  const world = new World(516);
  world.add('first', 100);
  const second = new DriverSim('second', { sizeBytes: 10 * MiB });
  world.registry.register(second, { weight: 0, min: 20 * MiB });
  await world.settled();
  assert.equal(second.sizeBytes, 20 * MiB);
  const third = new DriverSim('third', { sizeBytes: 0 });
  assert.throws(
    () => world.registry.register(third, { weight: Number.NaN }),
    /third: weight is NaN; weight is a number from 0/,
  );
});

test('observed shrink: drivers that may take more than there is make it partly', async () => {
  const { world, first, second } = await twoDrivers();
  first.floorBytes = 450 * MiB;
  second.floorBytes = 450 * MiB;
  const outcome = await world.clock.until(world.arriveAt(716));
  assert.equal(outcome?.result, 'partly');
  assert.match(outcome?.report ?? '', /room 695 MiB is short: drivers take 900 MiB \(first: floor 450 MiB/);
});
