// A newer fact, or the end of hotadd, at each moment of a change.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sizes, twoDrivers, type World } from '../../test/notifier-world.ts';
import { MiB } from './bytes.ts';
import { HotaddError } from './errors.ts';

/** The history takes so long to be on disk. */
function slowHistory(world: World, delayMs: number): void {
  const { recorder } = world.notifier.seams;
  const intent = recorder.intent.bind(recorder);
  recorder.intent = async (written) => {
    await new Promise<void>((resolve) => {
      world.clock.after(delayMs, resolve);
    });
    return intent(written);
  };
}

test('overtaking: a fall met while the intent is written lets no growth out (P1)', async () => {
  const { world, first } = await twoDrivers(516);
  slowHistory(world, 100);
  const calls = first.calls.length;
  const growing = world.arriveAt(1016);
  await world.clock.advance(50);
  await world.clock.until(world.arriveAt(416));
  const asked = first.calls.slice(calls).map(({ target }) => 'bytes' in target && target.bytes / MiB);
  assert.deepEqual(asked, [200]);
  assert.match((await growing)?.report ?? '', /nobody was asked to move; overtaken: memory\.max/);
});

test('overtaking: a fall met before a planned shrink has asked anyone fails it', async () => {
  const { world, first } = await twoDrivers();
  slowHistory(world, 100);
  const planned = world.plan(716);
  await world.clock.advance(50);
  const arrival = world.arriveAt(416);
  assert.equal((await world.clock.until(planned)).result, 'failed');
  await world.clock.until(arrival);
  assert.deepEqual(
    first.calls.slice(1).map(({ phase }) => phase),
    ['arrival'],
  );
  assert.deepEqual(first.endings, []);
});

test('closing: what waits for its turn does not begin', async () => {
  const { world, first } = await twoDrivers();
  const arrivals = [world.arriveAt(716)];
  await world.clock.advance(500);
  arrivals.push(world.arriveAt(416));
  const calls = first.calls.length;
  await world.clock.until(world.notifier.close());
  assert.equal(first.calls.length, calls);
  assert.equal(await arrivals[1], null);
  await assert.rejects(world.plan(516), (error: HotaddError) => error.code === 'HOTADD_CLOSED');
});

test('closing: a planned shrink that is being prepared fails, and the limit stays', async () => {
  const { world } = await twoDrivers();
  const planned = world.plan(516);
  await world.clock.advance(500);
  await world.clock.until(world.notifier.close());
  assert.equal((await planned).result, 'failed');
  assert.deepEqual(world.journal, []);
  assert.deepEqual(sizes(world), [493, 493]);
});

test('arrival: a shrink without a history makes nobody grow (E2)', async () => {
  const { world } = await twoDrivers();
  world.add('newcomer', 10);
  world.historyError = new HotaddError('HOTADD_HISTORY', 'disk full');
  const outcome = await world.clock.until(world.arriveAt(816));
  assert.equal(sizes(world)[2], 10);
  assert.equal(outcome?.result, 'partly');
  assert.match(outcome?.report ?? '', /disk full/);
});

test('overtaking: settings are not handed back into less memory than they were for (P1)', async () => {
  const { world, first } = await twoDrivers();
  const planned = world.plan(716);
  await world.clock.advance(500);
  const arrival = world.arriveAt(416);
  await world.clock.until(arrival);
  assert.ok(first.calls.every(({ target }) => 'bytes' in target));
  const note = 'not handed back: memory is 416 MiB now';
  assert.deepEqual((await planned).handedBack[0], { driver: 'first', asBefore: false, note });
  assert.deepEqual(
    first.endings.map(({ phase }) => phase),
    ['failure'],
  );
});

test('overtaking: in a partition that is gone nothing is resized, and failure is told (S2)', async () => {
  const { world, first } = await twoDrivers();
  const planned = world.plan(716);
  await world.clock.advance(500);
  const calls = first.calls.length;
  world.gone = true;
  assert.equal((await world.clock.until(planned)).result, 'failed');
  assert.equal(first.calls.length, calls);
  assert.equal(first.endings.length, 1);
});

test('overtaking: a limit that somebody else writes while operating is failure', async () => {
  const { world, first } = await twoDrivers();
  const operation = {
    ...world.operation,
    operate: async () => {
      world.limit = 816 * MiB;
      throw new Error('somebody else has written it');
    },
  };
  const request = { toBytes: 516 * MiB, operation, cause: operation.name };
  const outcome = await world.clock.until(world.notifier.carryOut(request));
  assert.equal(outcome.result, 'failed');
  assert.deepEqual(
    first.endings.map(({ phase }) => phase),
    ['failure'],
  );
});

test('overtaking: a deeper fall does not wait for a driver that hangs (S4, E5)', async () => {
  const { world, first } = await twoDrivers();
  first.behaviour = 'hang';
  const arrivals = [world.arriveAt(716)];
  await world.clock.advance(500);
  arrivals.push(world.arriveAt(416));
  await world.clock.advance(500);
  assert.deepEqual(sizes(world), [493, 200]);
  first.behaviour = 'obey';
  first.release();
  await world.clock.until(Promise.all(arrivals));
  assert.deepEqual(sizes(world), [200, 200]);
});

test('overtaking: a planned shrink that is overtaken does not wait for a driver that hangs', async () => {
  const { world, first } = await twoDrivers();
  first.behaviour = 'hang';
  const planned = world.plan(716);
  await world.clock.advance(500);
  const arrival = world.arriveAt(416);
  await world.clock.advance(1000);
  assert.equal((await planned).result, 'failed');
  assert.deepEqual(sizes(world), [493, 200]);
  await world.clock.until(arrival);
  assert.equal(world.notifier.state, 'idle');
});

test('overtaking: a growth left in flight is taken back when less is planned for its driver', async () => {
  const { world, first } = await twoDrivers(516);
  first.behaviour = 'hang';
  const arrivals = [world.arriveAt(1016)];
  await world.clock.advance(500);
  arrivals.push(world.arriveAt(616));
  await world.clock.advance(500);
  first.behaviour = 'obey';
  first.release();
  await world.clock.until(Promise.all(arrivals));
  assert.deepEqual(sizes(world), [299, 299]);
});

test('overtaking: growth does not wait behind a call until room may be gone (P1)', async () => {
  const { world, first } = await twoDrivers(516);
  first.behaviour = 'hang';
  const arrivals = [world.arriveAt(416)];
  await world.clock.advance(500);
  arrivals.push(world.arriveAt(1016));
  await world.clock.advance(500);
  world.othersBytes = 300 * MiB;
  const calls = first.calls.length;
  first.behaviour = 'obey';
  first.release();
  await world.clock.until(Promise.all(arrivals));
  assert.equal(first.calls.length, calls);
});
