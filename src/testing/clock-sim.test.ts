// Simulated time: the order in which timers fire, and what one of very many timers costs.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Cancel, pause } from '../core/clock.ts';
import { ClockSim } from './clock-sim.ts';
import { RandomSim } from './random-sim.ts';
import { TimerQueue } from './timer-queue.ts';

/** Two comparisons, each of two timers whose times are looked at once or twice, for a level down or up. */
const LOOKS_PER_LEVEL = 8;
const levelsOf = (count: number) => Math.ceil(Math.log2(count)) + 1;

test('clock: timers fire by time, and those of one moment in the order in which they were set', async () => {
  const clock = new ClockSim();
  const random = new RandomSim(3);
  const fired: { atMs: number; order: number }[] = [];
  const set: { atMs: number; order: number; cancel: Cancel | null }[] = [];
  for (let order = 0; order < 2_000; order += 1) {
    const atMs = random.between(0, 300);
    const cancel = clock.after(atMs, () => fired.push({ atMs: clock.monotonicMs(), order }));
    set.push({ atMs, order, cancel: random.chance(0.3) ? cancel : null });
  }
  for (const { cancel } of set) cancel?.();
  await clock.advance(300);
  const expected = set
    .filter(({ cancel }) => cancel === null)
    .sort((one, other) => one.atMs - other.atMs || one.order - other.order);
  assert.deepEqual(
    fired,
    expected.map(({ atMs, order }) => ({ atMs, order })),
  );
});

test('clock: what follows from a timer has happened when the next one fires', async () => {
  const clock = new ClockSim();
  const said: string[] = [];
  for (const name of ['first', 'second']) {
    void pause(clock, 10).then(async () => {
      for (let step = 0; step < 20; step += 1) await null;
      await new Promise<void>((resolve) => process.nextTick(resolve));
      said.push(`${name} is settled`);
    });
    clock.after(10, () => said.push(`after ${name}`));
  }
  await clock.advance(10);
  assert.deepEqual(said, ['first is settled', 'after first', 'second is settled', 'after second']);
});

test('clock: a timer may set and cancel others, also one that is due at the same moment', async () => {
  const clock = new ClockSim();
  const fired: string[] = [];
  clock.after(5, () => {
    fired.push('first');
    cancelSecond();
    clock.after(0, () => fired.push('set within'));
    cancelFirst();
  });
  const cancelFirst = clock.after(1, () => fired.push('early'));
  const cancelSecond = clock.after(5, () => fired.push('second'));
  clock.after(5, () => fired.push('third'));
  await clock.advance(5);
  assert.deepEqual(fired, ['early', 'first', 'third', 'set within']);
});

test('clock: a promise that no timer settles is named, and one that takes too long', async () => {
  const clock = new ClockSim();
  const cancel = clock.after(10, () => {});
  cancel();
  await assert.rejects(clock.until(new Promise(() => {})), /nothing is left/);
  const again = () => void clock.after(100, again);
  again();
  await assert.rejects(clock.until(new Promise(() => {}), 1_000), /not settled within 1000 ms/);
});

test('timers: to add, take or cancel one of n looks at no more than log n others', () => {
  for (const count of [256, 4_096, 16_384]) {
    const timers = new TimerQueue();
    const random = new RandomSim(count);
    let looks = 0;
    const cheap = <Result>(what: string, work: () => Result): Result => {
      looks = 0;
      const result = work();
      assert.ok(looks <= LOOKS_PER_LEVEL * levelsOf(count), `${what}: ${looks} looks at ${count} timers`);
      return result;
    };
    const set = Array.from({ length: count }, () => {
      const atMs = random.between(0, count);
      const timer = cheap('added', () => timers.add(atMs, () => {}));
      return Object.defineProperty(timer, 'atMs', {
        get: () => {
          looks += 1;
          return atMs;
        },
      });
    });
    for (const [index, timer] of set.entries()) {
      if (index % 2 === 0) cheap('cancelled', () => timers.remove(timer));
    }
    for (let left = count / 2; left > 0; left -= 1) cheap('taken', () => timers.take());
    assert.equal(timers.nextMs, Number.POSITIVE_INFINITY);
  }
});

test('clock: time stands still while code is loaded', async () => {
  const clock = new ClockSim();
  const fired: number[] = [];
  const again = (): void => {
    clock.after(100, () => {
      fired.push(clock.monotonicMs());
      again();
    });
  };
  again();
  let load = (_code: string): void => {};
  const work = new Promise<string>((resolve) => {
    load = resolve;
  });
  clock.during(work);
  setTimeout(() => load('code'), 20);
  assert.equal(await clock.until(work), 'code');
  assert.deepEqual([fired, clock.monotonicMs()], [[], 0]);
  clock.during(Promise.reject(new Error('no such code')));
  await clock.advance(100);
  assert.deepEqual(fired, [100]);
});
