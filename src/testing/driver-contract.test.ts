// The contract suite has to pass an honest driver and to fail wrong ones, with words that name the mend.
import assert from 'node:assert/strict';
import test from 'node:test';
import type { Driver, DriverState, Setting, Target } from '../core/driver.ts';
import { Refusal } from '../core/errors.ts';
import { type ContractCheck, driverContract } from './driver-contract.ts';

const KiB = 1024;
const BUDGETS = { smallBytes: 100 * KiB, largeBytes: 900 * KiB };

/** A server with one knob, in whole KiB, and a fixed cost beside it. */
class Knob {
  kib = 200;
  writes = 0;

  set(kib: number): void {
    this.kib = kib;
    this.writes += 1;
  }
}

class HonestDriver implements Driver {
  readonly name: string = 'knob';
  readonly knob: Knob;
  protected readonly fixedBytes = 7 * KiB + 100;

  constructor(knob: Knob) {
    this.knob = knob;
  }

  async read(): Promise<DriverState> {
    const costBytes = this.fixedBytes + this.knob.kib * KiB;
    return {
      costBytes,
      heldBytes: null,
      floorBytes: this.fixedBytes + 10 * KiB,
      ceilingBytes: null,
      stepBytes: KiB,
      settings: [{ name: 'knob', value: `${this.knob.kib}`, live: true }],
      instance: 'run-1',
      home: 'self',
    };
  }

  async resize(target: Target): Promise<Setting[]> {
    const kib = 'settings' in target ? Number(target.settings[0]?.value) : this.kibFor(target.bytes);
    if (kib !== this.knob.kib) this.knob.set(kib);
    return [{ name: 'knob', value: `${kib}`, live: true }];
  }

  protected kibFor(bytes: number): number {
    const kib = Math.floor((bytes - this.fixedBytes) / KiB);
    if (kib < 10) throw new Refusal('ten KiB are in use', this.fixedBytes + 10 * KiB);
    return kib;
  }
}

class RoundsUp extends HonestDriver {
  protected override kibFor(bytes: number): number {
    return super.kibFor(bytes) + 1;
  }
}

class RoundsBack extends HonestDriver {
  override async resize(target: Target): Promise<Setting[]> {
    if (!('settings' in target)) return super.resize(target);
    // Going back is taken for one more budget: rounded, not exact.
    this.knob.set(Math.round(Number(target.settings[0]?.value) / 50) * 50);
    return [...target.settings];
  }
}

class RefusesTooLate extends HonestDriver {
  override async resize(target: Target): Promise<Setting[]> {
    if (!('settings' in target))
      this.knob.set(Math.max(1, Math.floor((target.bytes - this.fixedBytes) / KiB)));
    return super.resize(target);
  }
}

class TakesAnything extends HonestDriver {
  protected override kibFor(bytes: number): number {
    return Math.max(1, Math.floor((bytes - this.fixedBytes) / KiB));
  }
}

class MovesAtRead extends HonestDriver {
  override async read(): Promise<DriverState> {
    this.knob.set(this.knob.kib - 1);
    return super.read();
  }
}

class NeverLetsGo extends HonestDriver {
  override async resize(target: Target, context?: { signal: AbortSignal }): Promise<Setting[]> {
    if (context?.signal.aborted) return new Promise(() => undefined);
    return super.resize(target);
  }
}

class SpeaksNonsense extends HonestDriver {
  override async read(): Promise<DriverState> {
    return { ...(await super.read()), heldBytes: Number.NaN };
  }
}

for (const { title, run } of driverContract({ open: () => new HonestDriver(new Knob()), ...BUDGETS })) {
  test(`${title} (honest driver)`, run);
}

const WRONG: [typeof HonestDriver, title: RegExp, words: RegExp][] = [
  [RoundsUp, /never costs more/, /knob: costs \d+ with a budget of \d+; round settings down/],
  [
    RoundsBack,
    /goes back/,
    /does not go back exactly: knob=900, not knob=892; set the values given, unrounded/,
  ],
  [RefusesTooLate, /below its floor/, /changed settings and then refused: .*; refuse before writing/],
  [TakesAnything, /below its floor/, /takes it when asked for less than its floor of \d+; throw a Refusal/],
  [MovesAtRead, /reads without/, /read\(\) changed settings: .*; only resize\(\) may change them/],
  [NeverLetsGo, /lets go/, /holds on to a call that is aborted; stop waiting when the signal aborts/],
  [SpeaksNonsense, /plain values/, /state.heldBytes is not plain JSON; use texts/],
];

for (const [Wrong, title, words] of WRONG) {
  test(`driver contract: a driver that ${Wrong.name} fails, and is told what to mend`, async () => {
    const checks: ContractCheck[] = driverContract({ open: () => new Wrong(new Knob()), ...BUDGETS });
    const check = checks.find((found) => title.test(found.title));
    assert.ok(check);
    await assert.rejects(check.run(), words);
  });
}

test('driver contract: an honest driver writes only what differs', async () => {
  const knob = new Knob();
  const check = driverContract({ open: () => new HonestDriver(knob), ...BUDGETS }).find(({ title }) =>
    /the same again/.test(title),
  );
  await check?.run();
  assert.equal(knob.writes, 1);
});
