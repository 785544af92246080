// The kit has to pass every honest driver, whatever it leaves out: what it holds, a floor, a live setting, a
// size of its own. And it counts what a run has met, and misses what it has not.
import assert from 'node:assert/strict';
import test from 'node:test';
import { BUDGETS, FIXED_BYTES, HonestDriver, KiB, Knob } from '../../test/knob-driver.ts';
import { buffers } from '../buffers/buffers.ts';
import type { Driver, DriverState, ResizeContext, Setting, Target } from '../core/driver.ts';
import { checkDriver, type DriverTally } from './check-driver.ts';
import { ClockSim } from './clock-sim.ts';
import { DriverSim } from './driver-sim.ts';

/** Tells what it holds, which follows its size a moment later. */
class Holds extends HonestDriver {
  #heldKib = this.knob.kib;

  override async read(): Promise<DriverState> {
    const heldBytes = this.#heldKib * KiB;
    this.#heldKib = Math.max(this.knob.kib, this.#heldKib - 400);
    return { ...(await super.read()), heldBytes };
  }
}

/** Its settings follow memory and take none. */
class Follows extends HonestDriver {
  override async read(): Promise<DriverState> {
    return { ...(await super.read()), costBytes: 0, heldBytes: 0, floorBytes: 0, ceilingBytes: 0, why: {} };
  }

  protected override kibFor(): number {
    throw new Error('a follower has no budget');
  }

  override async resize(target: Target): Promise<Setting[]> {
    if ('settings' in target) return super.resize(target);
    const kib = Math.floor((target.memory.usableBytes ?? 0) / KiB / 4);
    return super.resize({ settings: [{ name: 'knob', value: `${kib}`, live: true }] });
  }
}

/** What is set waits for a restart that does not come. */
class Waits extends HonestDriver {
  #pendingKib: number | null = null;

  override async read(): Promise<DriverState> {
    const state = await super.read();
    if (this.#pendingKib === null) return { ...state, settings: [this.#setting()] };
    const afterRestartBytes = FIXED_BYTES + this.#pendingKib * KiB;
    return { ...state, settings: [this.#setting()], afterRestartBytes };
  }

  override async resize(target: Target): Promise<Setting[]> {
    const [given] = 'settings' in target ? target.settings : [];
    const kib = 'settings' in target ? given?.pending : this.kibFor(target.bytes);
    this.#pendingKib = kib === undefined || Number(kib) === this.knob.kib ? null : Number(kib);
    return [this.#setting()];
  }

  #setting(): Setting {
    const pending = this.#pendingKib === null ? {} : { pending: `${this.#pendingKib}` };
    return { name: 'knob', value: `${this.knob.kib}`, live: false, ...pending };
  }
}

/** Takes its time, lets go when it is told to, and says meanwhile that it moves. */
class Moves extends HonestDriver {
  readonly clock: ClockSim;
  #moving: { toKib: number; stop: () => void } | null = null;

  constructor(knob: Knob, clock: ClockSim) {
    super(knob);
    this.clock = clock;
  }

  override async read(): Promise<DriverState> {
    const state = await super.read();
    if (this.#moving === null) return state;
    return { ...state, moving: { toBytes: FIXED_BYTES + this.#moving.toKib * KiB, note: 'step by step' } };
  }

  override async resize(target: Target, context?: ResizeContext): Promise<Setting[]> {
    this.#moving?.stop();
    const toKib = 'settings' in target ? Number(target.settings[0]?.value) : this.kibFor(target.bytes);
    context?.signal.throwIfAborted();
    if (toKib !== this.knob.kib) this.#step(toKib, context?.signal);
    return [{ name: 'knob', value: `${toKib}`, live: true }];
  }

  async close(): Promise<void> {
    this.#moving?.stop();
  }

  #step(toKib: number, signal?: AbortSignal): void {
    const cancel = this.clock.after(70, () => {
      const { kib } = this.knob;
      this.knob.set(toKib < kib ? Math.max(toKib, kib - 100) : Math.min(toKib, kib + 100));
      if (this.knob.kib === toKib) this.#moving?.stop();
      else this.#step(toKib, signal);
    });
    const stop = () => {
      cancel();
      this.#moving = null;
    };
    this.#moving = { toKib, stop };
    signal?.addEventListener('abort', () => this.#moving?.stop(), { once: true });
  }
}

const clock = new ClockSim();
const sim = (floorBytes: number, ceilingBytes: number | null) => () => {
  const driver = new DriverSim('sim', { sizeBytes: 300 * KiB, floorBytes, ceilingBytes, stepBytes: 4 * KiB });
  driver.instance = `run ${Math.random()}`;
  return driver;
};
const one = new Knob();
const HONEST: [what: string, makeDriver: () => Driver][] = [
  ['its own software each time', () => new HonestDriver(new Knob())],
  ['the same software each time', () => new HonestDriver(one)],
  ['held memory that lags', () => new Holds(new Knob())],
  ['a follower', () => new Follows(new Knob())],
  ['settings that need a restart', () => new Waits(new Knob())],
  ['a simulated driver', sim(0, null)],
  ['a simulated driver with floor and ceiling', sim(60 * KiB, 1000 * KiB)],
];

for (const [what, makeDriver] of HONEST) {
  for (const { title, run } of checkDriver(makeDriver, BUDGETS)) test(`${title} (${what})`, run);
}

const pause = (delayMs: number) => clock.advance(delayMs);
for (const { title, run } of checkDriver(() => new Moves(new Knob(), clock), { ...BUDGETS, pause })) {
  test(`${title} (moves in simulated time)`, run);
}

const list = (options: Partial<Parameters<typeof checkDriver>[1]> = {}) =>
  checkDriver(() => new HonestDriver(new Knob()), { ...BUDGETS, ...options });

test('checkDriver: has more than thirty checks, each under a title of its own', () => {
  const titles = list().map(({ title }) => title);
  assert.ok(titles.length > 40, `${titles.length}`);
  assert.equal(new Set(titles).size, titles.length);
});

test('checkDriver: tells how much of each a run has met', async () => {
  const met: DriverTally[] = [];
  for (const { run } of list({ onTally: (tally) => met.push(tally) })) await run();
  const [{ shrinks, refusals, partialEnds, crashes, interruptedIntents } = assert.fail('was not told')] = met;
  assert.ok(shrinks > 5 && refusals > 3, JSON.stringify(met));
  assert.deepEqual([partialEnds, crashes, interruptedIntents], [2, 2, 2]);
});

test('checkDriver: checks that a runner begins together run one after the other', async () => {
  await Promise.all(list().map(({ run }) => run()));
});

test('checkDriver: the last check alone says that nothing is known', async () => {
  await assert.rejects(
    async () => list().at(-1)?.run(),
    /checkDriver: no other check of the list has run, so nothing is known.*; take away what filters the list/,
  );
});

test('checkDriver: a run without a partial end fails, and is told which check brings it', async () => {
  const checks = list().filter(({ title }) => !/half of the way/.test(title));
  const last = checks.pop();
  for (const { run } of checks) await run();
  await assert.rejects(
    async () => last?.run(),
    /knob: this run had no partial end \(memory often.*\); "follows an operation.*" did not run: run/,
  );
});

test('checkDriver: a run without crashes and interrupted intents fails, and says why', async () => {
  const checks = list().filter(({ title }) => !/is put right after/.test(title));
  const last = checks.pop();
  for (const { run } of checks) await run();
  await assert.rejects(
    async () => last?.run(),
    /had no crash \(the planner can die at any moment.*\), no interrupted intent \(what was begun/,
  );
});

test('checkDriver: software that fails those who use it is seen', async () => {
  const use = async () => {
    throw new Error('a picture is torn');
  };
  const check = list({ use }).find(({ title }) => /in use/.test(title));
  await assert.rejects(
    async () => check?.run(),
    /knob: its software fails those who use it: a picture is torn/,
  );
});

test('checkDriver: budgets that are too near to each other are refused', () => {
  assert.throws(() => list({ largeBytes: 110 * KiB }), /are no two budgets; give whole bytes, the larger at/);
});

test('checkDriver: a driver that cannot be opened is said to be so', async () => {
  const makeDriver = () => Promise.reject(new Error('no such socket'));
  const [check] = checkDriver(makeDriver, BUDGETS);
  await assert.rejects(
    async () => check?.run(),
    /makeDriver: throws "no such socket"; it opens a driver over/,
  );
});

test('checkDriver: what it cannot work with is said by the call itself', () => {
  const code = 'HOTADD_BAD_USAGE';
  const given = (maker: unknown, options: unknown) => () => checkDriver(maker as never, options as never);
  const driver = buffers('cache', { size: () => 1, resize: () => undefined });
  assert.throws(given(driver, BUDGETS), {
    code,
    message: /^checkDriver: makeDriver is an object; give a function that opens the driver, such as \(\) =>/,
  });
  assert.throws(given(undefined, BUDGETS), { code, message: /makeDriver is undefined/ });
  assert.throws(
    given(() => driver, undefined),
    {
      code,
      message: /^checkDriver: the options are undefined; its options are smallBytes, largeBytes, /,
    },
  );
  assert.throws(
    given(() => driver, { ...BUDGETS, waitMS: 5 }),
    { code, message: /has no option waitMS/ },
  );
});
