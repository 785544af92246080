// The kit has to fail drivers of which nothing comes: a floor of nothing that is not taken, nothing that is
// held, a call that never returns.
import assert from 'node:assert/strict';
import test from 'node:test';
import { BUDGETS, FIXED_BYTES, HonestDriver, KiB, Knob } from '../../test/knob-driver.ts';
import { buffers } from '../buffers/buffers.ts';
import type { DriverState, Setting } from '../core/driver.ts';
import { checkDriver } from './check-driver.ts';

class RefusesItsFloorOfNothing extends HonestDriver {
  override async read(): Promise<DriverState> {
    return { ...(await super.read()), floorBytes: 0, why: {} };
  }
}

class CostsMoreThanItsFloorOfNothing extends RefusesItsFloorOfNothing {
  protected override kibFor(bytes: number): number {
    return Math.max(0, Math.floor((bytes - FIXED_BYTES) / KiB));
  }
}

class AlwaysHoldsNothing extends HonestDriver {
  override async read(): Promise<DriverState> {
    return { ...(await super.read()), heldBytes: 0 };
  }
}

class NeverReturns extends HonestDriver {
  override resize(): Promise<Setting[]> {
    return new Promise(() => undefined);
  }
}

for (const [Wrong, words] of [
  [
    RefusesItsFloorOfNothing,
    /knob: names a floor of 0 and does not take it: throws "ten KiB are in use"; name the least it takes now/,
  ],
  [
    CostsMoreThanItsFloorOfNothing,
    /knob: costs 7268 at its floor of 0; name the least it can cost as floorBytes/,
  ],
] as const) {
  test(`checkDriver: what ${Wrong.name} fails, and is told what to mend`, async () => {
    const checks = checkDriver(() => new Wrong(new Knob()), BUDGETS);
    const check = checks.find(({ title }) => /floor of 0/.test(title));
    assert.ok(check);
    await assert.rejects(check.run(), words);
  });
}

test('checkDriver: what always holds nothing fails at the end, in use or not', async () => {
  const use = async (signal: AbortSignal) => {
    await new Promise((resolve) => signal.addEventListener('abort', resolve));
  };
  for (const options of [BUDGETS, { ...BUDGETS, use }]) {
    const knob = new Knob();
    const checks = checkDriver(() => new AlwaysHoldsNothing(knob), options);
    for (const { run } of checks.slice(0, -1)) await run();
    await assert.rejects(
      async () => checks.at(-1)?.run(),
      /this run had no memory that was held \(heldBytes was 0 .*; "resizes while.*: fill its software/,
    );
  }
});

test('checkDriver: what never returns is waited for once, and every check says what it is', async () => {
  let pausedMs = 0;
  const pause = async (delayMs: number) => {
    pausedMs += delayMs;
  };
  const checks = checkDriver(() => new NeverReturns(new Knob()), { ...BUDGETS, pause });
  const [first, ...others] = checks.slice(0, -1);
  const mend = 'start the move, return, and let read\\(\\) tell how far it is';
  await assert.rejects(
    async () => first?.run(),
    new RegExp(`knob: resize\\(\\) has not returned within 4000 ms; ${mend}`),
  );
  assert.ok(others.length > 40);
  const notTried = new RegExp(`knob: not tried, since an earlier resize\\(\\) has not returned .*; ${mend}`);
  for (const { run } of others) await assert.rejects(run(), notTried);
  assert.ok(pausedMs < 7_000, `${pausedMs} ms`);
});

test('checkDriver: what cannot be read is told what it throws, and none of it is unheard', async () => {
  const unheard: unknown[] = [];
  const hear = (error: unknown) => unheard.push(error);
  process.on('unhandledRejection', hear);
  const makeDriver = () => {
    const size = () => {
      throw new Error('no size today');
    };
    return buffers('thumbnails', { size, resize: () => undefined });
  };
  const said = new Set<string>();
  for (const { run } of checkDriver(makeDriver, BUDGETS).slice(0, -1)) {
    await run().catch((error: Error) => said.add(error.message.replace(/;.*/, '')));
    await new Promise((resolve) => setImmediate(resolve));
  }
  process.off('unhandledRejection', hear);
  assert.deepEqual(unheard, []);
  assert.ok(said.has('thumbnails: read() throws "no size today"'));
  assert.ok(!said.has('thumbnails: throws "no size today"'));
});
