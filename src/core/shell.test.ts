// The shell around one driver: each way in which a driver can answer ends in its named verdict.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ClockSim } from '../testing/clock-sim.ts';
import { type Behaviour, DriverSim } from '../testing/driver-sim.ts';
import type { PhysicalMemory } from './memory.ts';
import { Round } from './round.ts';
import { Shell } from './shell.ts';

const memory = {} as PhysicalMemory;

async function answerTo(
  behaviour: Behaviour,
  bytes: number,
  prepare: (driver: DriverSim) => void = () => {},
) {
  const clock = new ClockSim();
  const driver = new DriverSim('cache', { sizeBytes: 1000 });
  driver.behaviour = behaviour;
  prepare(driver);
  const shell = new Shell(driver, clock);
  const before = await shell.read();
  const answer = await clock.until(shell.resize({ bytes, memory }, before, new Round(1, 'arrival')));
  return { answer, driver, shell, clock };
}

test('answer: a growth that reads back as asked is resized and proven (F1)', async () => {
  const { answer } = await answerTo('obey', 2000);
  assert.equal(answer.verdict, 'resized');
  assert.equal(answer.proven, true);
  assert.equal(answer.costAfterBytes, 2000);
});

test('answer: a shrink is proven only after held has stayed at the budget for 2 s (F1)', async () => {
  const { answer } = await answerTo('obey', 500);
  assert.equal(answer.verdict, 'resized');
  assert.equal(answer.proven, true);
  assert.ok(answer.tookMs >= 2000, `took ${answer.tookMs} ms`);
});

test('answer: a shrink whose memory does not follow is not proven (F1)', async () => {
  const { answer } = await answerTo('clings', 500);
  assert.equal(answer.verdict, 'resized');
  assert.equal(answer.proven, false);
  assert.equal(answer.heldAfterBytes, 1000);
});

test('answer: a shrink of a driver that cannot tell what it holds is never proven', async () => {
  const { answer } = await answerTo('clings', 500, (driver) => {
    driver.heldBytes = null;
  });
  assert.equal(answer.proven, false);
  assert.match(answer.note ?? '', /cannot be told/);
});

test('answer: a driver that throws has failed, with its words', async () => {
  const { answer } = await answerTo('throw', 2000);
  assert.deepEqual([answer.verdict, answer.proven, answer.note], ['failed', false, 'broken on purpose']);
});

test('answer: a Refusal is refused, with its reason (D1)', async () => {
  const { answer } = await answerTo('refuse', 500);
  assert.deepEqual([answer.verdict, answer.note], ['refused', 'not now']);
});

test('answer: a silent no-op has failed (D4)', async () => {
  const { answer } = await answerTo('ignore', 2000);
  assert.equal(answer.verdict, 'failed');
  assert.match(answer.note ?? '', /asked size=2000, reads back 1000/);
});

test('answer: a driver that says one thing and sets another is caught by reading back', async () => {
  const { answer } = await answerTo('lie', 2000);
  assert.equal(answer.verdict, 'partial');
  assert.equal(answer.proven, false);
  const shrink = await answerTo('lie', 500);
  assert.equal(shrink.answer.verdict, 'failed');
});

test('answer: a driver that goes less far than asked is partial', async () => {
  assert.equal((await answerTo('half', 2000)).answer.verdict, 'partial');
  const { answer } = await answerTo('half', 500);
  assert.deepEqual([answer.verdict, answer.proven, answer.costAfterBytes], ['partial', false, 750]);
});

test('answer: a setting that waits for a restart is deferred', async () => {
  const { answer } = await answerTo('restart', 2000);
  assert.equal(answer.verdict, 'deferred');
  assert.match(answer.note ?? '', /after a restart/);
});

test('answer: a driver that ignores its deadline is stuck until it returns (D2)', async () => {
  const { answer, driver, shell, clock } = await answerTo('hang', 2000);
  assert.equal(answer.verdict, 'stuck');
  assert.equal(shell.stuck, true);
  assert.equal(shell.askedBytes, 2000);
  const again = await clock.until(
    shell.resize({ bytes: 3000, memory }, await shell.read(), new Round(2, 'arrival')),
  );
  assert.equal(again.verdict, 'stuck');
  assert.equal(driver.calls.length, 1);
  driver.release();
  await clock.advance(0);
  assert.equal(shell.stuck, false);
  assert.equal((await shell.read()).costBytes, 2000);
});

test('answer: the newest change wins, and is sent after the call under way has returned', async () => {
  const clock = new ClockSim();
  const order: string[] = [];
  const driver = new DriverSim('cache', { sizeBytes: 1000 });
  const plain = driver.resize.bind(driver);
  driver.resize = async (target, context) => {
    order.push(`begin ${context.changeId}`);
    if (context.changeId === 1) {
      await new Promise<void>((resolve) => context.signal.addEventListener('abort', () => resolve()));
    }
    order.push(`end ${context.changeId}`);
    return plain(target, context);
  };
  const shell = new Shell(driver, clock);
  const before = await shell.read();
  const first = shell.resize({ bytes: 2000, memory }, before, new Round(1, 'arrival'));
  const second = shell.resize({ bytes: 1500, memory }, before, new Round(2, 'arrival'));
  assert.equal((await clock.until(second)).costAfterBytes, 1500);
  await clock.until(first);
  assert.deepEqual(order, ['begin 1', 'end 1', 'begin 2', 'end 2']);
});

test('read: a state out of range is refused with the name of the driver and the field (E4)', async () => {
  const driver = new DriverSim('cache', { sizeBytes: 1000 });
  driver.floorBytes = Number.NaN;
  await assert.rejects(new Shell(driver, new ClockSim()).read(), /cache: read gave floorBytes=NaN/);
});

test('read: one that hangs is given up after its deadline', async () => {
  const clock = new ClockSim();
  const driver = new DriverSim('cache', { sizeBytes: 1000 });
  driver.read = () => new Promise(() => {});
  await assert.rejects(clock.until(new Shell(driver, clock).read()), /no answer within 5000 ms/);
});

test('room: bytes asked count until a read after the return says what it takes (P1)', async () => {
  const { shell } = await answerTo('throw', 2000);
  assert.equal(shell.askedBytes, null);
  const hung = await answerTo('hang', 2000);
  const reading = hung.shell.read();
  hung.driver.release();
  await hung.clock.advance(0);
  await reading;
  assert.equal(hung.shell.askedBytes, 2000);
  await hung.shell.read();
  assert.equal(hung.shell.askedBytes, null);
});

test('room: a hand-back that has not returned counts at what it gives back (P1)', async () => {
  const { driver, shell, clock } = await answerTo('obey', 500);
  driver.resize = () => new Promise(() => {});
  const before = [{ name: 'size', value: '1000', live: true }];
  await clock.until(shell.handBack(before, new Round(2, 'failure'), 1000));
  assert.equal(shell.askedBytes, 1000);
});

test('answer: a shrink that waited for a call which landed lower is not sent as growth (P1)', async () => {
  const clock = new ClockSim();
  const driver = new DriverSim('cache', { sizeBytes: 1000 });
  driver.behaviour = 'hang';
  const shell = new Shell(driver, clock);
  const before = await shell.read();
  const first = shell.resize({ bytes: 300, memory }, before, new Round(1, 'arrival'));
  await clock.advance(0);
  driver.behaviour = 'obey';
  const second = shell.resize({ bytes: 500, memory }, before, new Round(2, 'arrival'));
  await clock.advance(50);
  driver.release();
  const answer = await clock.until(second);
  await clock.until(first);
  assert.deepEqual([answer.verdict, answer.proven, answer.costAfterBytes], ['resized', true, 300]);
  assert.equal(driver.calls.length, 1);
});
