// Planned changes on a small simulated world: F2, F3, refusals, newer facts, operations that fail.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sizes, twoDrivers, verdicts, World } from '../../test/notifier-world.ts';
import { DriverSim } from '../testing/driver-sim.ts';
import { MiB } from './bytes.ts';
import { HotaddError } from './errors.ts';

test('planned shrink: buffers first, memory after, and complete is heard exactly once', async () => {
  const { world, first } = await twoDrivers();
  const outcome = await world.clock.until(world.plan(516));
  assert.equal(outcome.result, 'done');
  assert.deepEqual(world.journal, ['limit 516 with 250+250']);
  assert.deepEqual(first.endings, [{ changeId: outcome.change.changeId, phase: 'complete' }]);
  assert.deepEqual(
    world.news.filter(({ changeId }) => changeId === outcome.change.changeId).map(({ phase }) => phase),
    ['start', 'complete'],
  );
});

test('planned shrink: the limit is never written below use plus headroom (F2)', async () => {
  const { world, first, second } = await twoDrivers();
  second.floorBytes = 250 * MiB;
  first.behaviour = 'clings';
  const outcome = await world.clock.until(world.plan(516));
  assert.equal(outcome.result, 'failed');
  assert.deepEqual(world.journal, []);
  assert.match(outcome.reason ?? '', /no room is proven.*first .*holds 493 MiB where 250 MiB was asked/);
});

test('planned shrink: one that fails hands back the settings exactly (F3)', async () => {
  const { world, first, second } = await twoDrivers();
  const before = sizes(world);
  first.behaviour = 'throw';
  world.othersBytes = 100 * MiB;
  const outcome = await world.clock.until(world.plan(516));
  assert.equal(outcome.result, 'failed');
  assert.deepEqual(sizes(world), before);
  assert.deepEqual(outcome.handedBack, [
    { driver: 'first', asBefore: true, note: null },
    { driver: 'second', asBefore: true, note: null },
  ]);
  assert.deepEqual(
    second.endings.map(({ phase }) => phase),
    ['failure'],
  );
});

test('planned shrink: when one refuses, one more plan asks the others', async () => {
  const { world, first } = await twoDrivers();
  first.behaviour = 'refuse';
  first.heldBytes = 150 * MiB;
  const outcome = await world.clock.until(world.plan(816));
  assert.deepEqual(verdicts(outcome), { first: 'refused', second: 'resized' });
  assert.deepEqual(sizes(world), [493, 299]);
  assert.match(outcome.report, /second 493 MiB -> 299 MiB resized, proven/);
  assert.equal(outcome.result, 'partly');
  assert.equal(world.limit, 816 * MiB);
});

test('planned shrink: floors that do not fit refuse the change before anyone is told', async () => {
  const { world, first } = await twoDrivers();
  first.floorBytes = 450 * MiB;
  const calls = first.calls.length;
  const outcome = await world.clock.until(world.plan(400));
  assert.equal(outcome.result, 'refused');
  assert.match(
    outcome.reason ?? '',
    /drivers need 66 MiB more than the room of 384 MiB .*first needs 450 MiB/,
  );
  assert.equal(first.calls.length, calls);
  assert.equal(world.news.filter(({ phase }) => phase === 'start').length, 0);
});

test('planned shrink: a newer fact met while starting is told as failure, then the arrival', async () => {
  const { world, first } = await twoDrivers();
  const planned = world.plan(716);
  await world.clock.advance(500);
  const arrival = world.arriveAt(416);
  const outcome = await world.clock.until(planned);
  assert.equal(outcome.result, 'failed');
  assert.match(outcome.reason ?? '', /newer fact/);
  await world.clock.until(arrival);
  assert.deepEqual(
    first.endings.map(({ phase }) => phase),
    ['failure'],
  );
  assert.deepEqual(sizes(world), [200, 200]);
  assert.deepEqual(world.journal, []);
});

test('planned shrink: an operation that fails is failure, with settings handed back', async () => {
  const { world } = await twoDrivers();
  world.operationError = new Error('EBUSY');
  const outcome = await world.clock.until(world.plan(516));
  assert.equal(outcome.result, 'failed');
  assert.equal(outcome.reason, 'EBUSY');
  assert.deepEqual(sizes(world), [493, 493]);
});

test('planned growth: nobody moves before the limit is written', async () => {
  const { world } = await twoDrivers(516);
  const outcome = await world.clock.until(world.plan(1016));
  assert.deepEqual(world.journal, ['limit 1016 with 250+250']);
  assert.deepEqual(sizes(world), [493, 493]);
  assert.equal(outcome.result, 'done');
});

test('planned change: a second one gets HOTADD_BUSY with who holds it', async () => {
  const { world } = await twoDrivers();
  const first = world.plan(716);
  await assert.rejects(world.plan(616), (error: HotaddError) => error.code === 'HOTADD_BUSY');
  await world.clock.advance(300);
  await assert.rejects(world.plan(616), /change \d+ \(memory.max of \/app\) is under way/);
  await world.clock.until(first);
});

test('planned change: none begins stale, gone or without a history (S2, E2)', async () => {
  const { world, first } = await twoDrivers();
  const calls = first.calls.length;
  world.stale = [{ reading: 'memory.max', error: 'EIO' }];
  await assert.rejects(
    world.clock.until(world.plan(716)),
    (error: HotaddError) => error.code === 'HOTADD_UNREADABLE',
  );
  world.stale = [];
  world.historyError = new HotaddError('HOTADD_HISTORY', 'disk full');
  await assert.rejects(
    world.clock.until(world.plan(716)),
    (error: HotaddError) => error.code === 'HOTADD_HISTORY',
  );
  world.gone = true;
  await assert.rejects(
    world.clock.until(world.plan(716)),
    (error: HotaddError) => error.code === 'HOTADD_GONE',
  );
  assert.equal(first.calls.length, calls);
  assert.equal(world.notifier.state, 'idle');
});

test('planned shrink: another driver that has taken the name of one told start hears nothing', async () => {
  const world = new World(1016);
  const cache = new DriverSim('cache', { sizeBytes: 100 * MiB });
  world.drivers.push(cache);
  const registration = world.registry.register(cache);
  await world.settled();
  world.operationError = new Error('EBUSY');
  const planned = world.plan(516);
  await world.clock.advance(500);
  void registration.unregister();
  const other = new DriverSim('cache', { sizeBytes: 10 * MiB });
  world.registry.register(other);
  const outcome = await world.clock.until(planned);
  assert.deepEqual([other.calls, other.endings], [[], []]);
  assert.deepEqual(outcome.handedBack, [
    { driver: 'cache', asBefore: false, note: 'it is no longer registered' },
  ]);
});

test('planned shrink: a setting that waits for a restart is not as before (F3)', async () => {
  const { world, first } = await twoDrivers();
  first.behaviour = 'restart';
  first.heldBytes = 50 * MiB;
  world.operationError = new Error('EBUSY');
  const { handedBack } = await world.clock.until(world.plan(716));
  assert.equal(handedBack[0]?.asBefore, false);
  assert.match(handedBack[0]?.note ?? '', /size was .* waits for a restart, not nothing$/);
});

test('planned shrink: a limit that cannot be read afterwards is said, and the outcome is told', async () => {
  const { world, first } = await twoDrivers();
  let written = false;
  const operation = {
    ...world.operation,
    read: () => {
      if (written) throw new Error('EIO');
      return world.limit;
    },
    operate: async () => {
      world.limit = 516 * MiB;
      written = true;
      return {};
    },
  };
  const outcome = await world.clock.until(
    world.notifier.carryOut({ toBytes: 516 * MiB, operation, cause: operation.name }),
  );
  assert.equal(outcome.result, 'partly');
  assert.match(outcome.reason ?? '', /reached cannot be read: EIO/);
  assert.equal(world.outcomes.at(-1), outcome);
  assert.equal(first.endings.length, 1);
});

test('planned shrink: what drivers may come to take must fit too, or they are killed later', async () => {
  const { world, first, second } = await twoDrivers();
  second.floorBytes = 400 * MiB;
  first.behaviour = 'throw';
  first.heldBytes = 10 * MiB;
  second.heldBytes = 10 * MiB;
  const outcome = await world.clock.until(world.plan(816));
  assert.equal(outcome.result, 'failed');
  assert.match(
    outcome.reason ?? '',
    /does not fit 792 MiB of room under 816 MiB; first failed: it may take 493 MiB/,
  );
  assert.deepEqual(world.journal, []);
  assert.deepEqual(sizes(world), [493, 493]);
});

test('planned shrink: a driver that cannot be moved is named with what it stays at', async () => {
  const drifted = new World(1016, { standing: (member) => (member.name === 'first' ? 'drift' : null) });
  drifted.add('first', 700);
  drifted.add('second', 100);
  const outcome = await drifted.clock.until(drifted.plan(516));
  assert.equal(outcome.result, 'refused');
  assert.match(outcome.reason ?? '', /first stays at 700 MiB \(drift\)/);
  assert.deepEqual(drifted.journal, []);
});

test('planned growth: a driver not to be read then is planned for once it can be (E3)', async () => {
  const world = new World(516, {
    standing: ({ name }, _state, repair) =>
      repair && world.drivers.find((each) => each.name === name)?.calls.length === 0 ? 'never set' : null,
  });
  const driver = world.add('cache', 300);
  await world.settled();
  const { read } = driver;
  driver.read = () => Promise.reject(new Error('no server listens there'));
  const outcome = await world.clock.until(world.plan(816));
  assert.deepEqual([outcome.change.kind, outcome.answers], ['grow', []]);
  driver.read = read;
  const mended = await world.clock.until(world.notifier.measure());
  assert.equal(mended?.change.kind, 'repair');
  assert.ok((sizes(world)[0] ?? 0) > 700, `${sizes(world)}`);
});
