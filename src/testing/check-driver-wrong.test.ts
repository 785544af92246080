// The kit has to fail each wrong driver in the right check, with words that name the mend.
import assert from 'node:assert/strict';
import test from 'node:test';
import { BUDGETS, FIXED_BYTES, HonestDriver, KiB, Knob } from '../../test/knob-driver.ts';
import type { DriverState, ResizeContext, Setting, Target } from '../core/driver.ts';
import { checkDriver } from './check-driver.ts';

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
    if (!('settings' in target)) this.knob.set(Math.max(1, Math.floor((target.bytes - FIXED_BYTES) / KiB)));
    return super.resize(target);
  }
}

class TakesAnything extends HonestDriver {
  protected override kibFor(bytes: number): number {
    return Math.max(1, Math.floor((bytes - FIXED_BYTES) / KiB));
  }
}

class MovesAtRead extends HonestDriver {
  override async read(): Promise<DriverState> {
    this.knob.set(this.knob.kib - 1);
    return super.read();
  }
}

class NeverLetsGo extends HonestDriver {
  override async resize(target: Target, context?: ResizeContext): Promise<Setting[]> {
    if (context?.signal.aborted) return new Promise(() => undefined);
    return super.resize(target);
  }
}

class SpeaksNonsense extends HonestDriver {
  override async read(): Promise<DriverState> {
    return { ...(await super.read()), heldBytes: Number.NaN };
  }
}

/** Tells what it was asked for; the server stays where it was. */
class LiesAboutSize extends HonestDriver {
  #toldKib = this.knob.kib;

  override async read(): Promise<DriverState> {
    const costBytes = FIXED_BYTES + this.#toldKib * KiB;
    const settings = [{ name: 'knob', value: `${this.#toldKib}`, live: true }];
    return { ...(await super.read()), costBytes, settings };
  }

  override async resize(target: Target): Promise<Setting[]> {
    this.#toldKib = 'settings' in target ? Number(target.settings[0]?.value) : this.kibFor(target.bytes);
    return [{ name: 'knob', value: `${this.#toldKib}`, live: true }];
  }
}

/** Its memory only ever grows, whatever it is set to. */
class KeepsWhatItHolds extends HonestDriver {
  #highest = 0;

  override async read(): Promise<DriverState> {
    const state = await super.read();
    this.#highest = Math.max(this.#highest, state.costBytes);
    return { ...state, heldBytes: this.#highest };
  }
}

/** Waits for its own work, and for nobody's signal. */
class DeafToItsSignal extends HonestDriver {
  override async resize(target: Target): Promise<Setting[]> {
    await new Promise((resolve) => setTimeout(resolve, 1_500));
    return super.resize(target);
  }
}

/** One more write comes when everybody has gone. */
class WritesAfterwards extends HonestDriver {
  override async resize(target: Target): Promise<Setting[]> {
    const settings = await super.resize(target);
    setTimeout(() => this.knob.set(this.knob.kib + 1), 60);
    return settings;
  }
}

class ForgetsToGoBack extends HonestDriver {
  override async resize(target: Target): Promise<Setting[]> {
    return 'settings' in target ? [...target.settings] : super.resize(target);
  }
}

class IsSilentAtItsFloor extends HonestDriver {
  override async read(): Promise<DriverState> {
    return { ...(await super.read()), why: {} };
  }
}

class ThrowsWhenItShrinks extends HonestDriver {
  override async resize(target: Target): Promise<Setting[]> {
    if ('bytes' in target && target.bytes < FIXED_BYTES + this.knob.kib * KiB) throw new Error('not today');
    return super.resize(target);
  }
}

class UsesHalf extends HonestDriver {
  protected override kibFor(bytes: number): number {
    return Math.max(10, Math.floor(super.kibFor(bytes) / 2));
  }
}

class MovesByMoreThanItSays extends HonestDriver {
  protected override kibFor(bytes: number): number {
    return Math.floor(super.kibFor(bytes) / 90) * 90;
  }
}

/** The older of two calls lands last. */
class GrowsLate extends HonestDriver {
  override async resize(target: Target): Promise<Setting[]> {
    const grows = 'bytes' in target && target.bytes === BUDGETS.largeBytes;
    if (grows) await new Promise((resolve) => setTimeout(resolve, 30));
    return super.resize(target);
  }
}

/** What was asked last is kept for the next life, and taken for done. */
class BelievesWhatWasAsked extends HonestDriver {
  static asked = 0;

  override async resize(target: Target, context?: ResizeContext): Promise<Setting[]> {
    const kib = 'bytes' in target ? this.kibFor(target.bytes) : 0;
    if (kib === BelievesWhatWasAsked.asked) return [{ name: 'knob', value: `${this.knob.kib}`, live: true }];
    BelievesWhatWasAsked.asked = kib;
    await new Promise((resolve) => setTimeout(resolve, 20));
    context?.signal.throwIfAborted();
    return super.resize(target);
  }
}

class HasAnotherInstance extends HonestDriver {
  override async read(): Promise<DriverState> {
    return { ...(await super.read()), instance: `at ${this.knob.kib}` };
  }
}

class FailsAtItsEnd extends HonestDriver {
  async ended(): Promise<void> {
    throw new Error('no such change');
  }
}

class NeverCloses extends HonestDriver {
  close(): Promise<void> {
    return new Promise(() => undefined);
  }
}

class TearsWhenInUse extends HonestDriver {
  override async read(): Promise<DriverState> {
    this.knob.reads += 1;
    if (this.knob.reads > 12) throw new Error('too many readers');
    return super.read();
  }
}

class StepsDownEachTime extends HonestDriver {
  protected override kibFor(bytes: number): number {
    return super.kibFor(bytes) - (this.knob.writes % 2);
  }
}

class SetsWhenItPersists extends HonestDriver {
  async persist(): Promise<void> {
    this.knob.set(this.knob.kib - 1);
  }
}

class GoesOverItsCeiling extends HonestDriver {
  override async read(): Promise<DriverState> {
    return { ...(await super.read()), ceilingBytes: BUDGETS.largeBytes };
  }
}

class IsSilentAtItsCeiling extends GoesOverItsCeiling {
  protected override kibFor(bytes: number): number {
    return super.kibFor(Math.min(bytes, BUDGETS.largeBytes));
  }
}

class MovesForEver extends HonestDriver {
  override async read(): Promise<DriverState> {
    return { ...(await super.read()), moving: { toBytes: 0, note: 'one more step' } };
  }
}

class ShufflesItsSettings extends HonestDriver {
  override async read(): Promise<DriverState> {
    const { settings, ...state } = await super.read();
    const both = [...settings, { name: 'unit', value: 'KiB', live: true }];
    return { ...state, settings: this.knob.writes % 2 === 0 ? both : both.reverse() };
  }
}

class ReadsOnAndOn extends HonestDriver {
  override async read(signal?: AbortSignal): Promise<DriverState> {
    return signal?.aborted ? new Promise(() => undefined) : super.read();
  }
}

const WRONG: [typeof HonestDriver, title: RegExp, words: RegExp][] = [
  [RoundsUp, /never costs more/, /knob: costs \d+ with a budget of \d+; round settings down/],
  [
    RoundsBack,
    /goes back to the settings it had/,
    /does not go back exactly: knob=900, not knob=892; set the values given, unrounded/,
  ],
  [RefusesTooLate, /below its floor/, /changed settings and then refused: .*; refuse before writing/],
  [TakesAnything, /below its floor/, /takes it when asked for less than its floor of \d+; throw a Refusal/],
  [MovesAtRead, /reads without/, /read\(\) changed settings: .*; only resize\(\) may change them/],
  [NeverLetsGo, /aborted, and works/, /holds on to a call that is aborted; stop waiting when the signal/],
  [SpeaksNonsense, /plain values/, /state.heldBytes is not plain JSON; use texts/],
  [
    LiesAboutSize,
    /not its own memory/,
    /knob: tells other settings than a second driver over the same instance: knob=\d+, not knob=200; read/,
  ],
  [
    KeepsWhatItHolds,
    /comes down/,
    /knob: holds \d+ where it may come to take \d+; give the memory back, count it in cost/,
  ],
  [DeafToItsSignal, /aborted on its way/, /holds on to a call that is aborted; stop waiting when the signal/],
  [
    WritesAfterwards,
    /unregisters/,
    /knob: goes on writing after it is unregistered: knob=\d+, not knob=\d+; writes nothing more once resize/,
  ],
  [
    WritesAfterwards,
    /stays where it is/,
    /goes on moving when read\(\) says that nothing moves: .*; say it in/,
  ],
  [
    WritesAfterwards,
    /after it is closed/,
    /goes on writing after it is closed: .*; end what is under way in/,
  ],
  [
    ForgetsToGoBack,
    /back when a planned change fails/,
    /knob: does not go back when the change fails: knob was 892 and could not be set back; set the settings/,
  ],
  [
    ForgetsToGoBack,
    /goes back to the settings it had/,
    /knob: does not go back exactly: knob=\d+, not knob=892/,
  ],
  [
    KeepsWhatItHolds,
    /makes room/,
    /knob: a planned shrink: holds \d+ of a budget of \d+; give the memory back/,
  ],
  [
    GrowsLate,
    /newest change/,
    /knob: the older of two changes wins; a newer resize\(\) overtakes an older one/,
  ],
  [
    BelievesWhatWasAsked,
    /after a crash/,
    /knob: costs \d+ where the plan gives it \d+; follow each budget, from wherever the last one left it/,
  ],
  [
    HasAnotherInstance,
    /keeps its instance/,
    /has another instance after a resize: at 892, not at 92; instance stays/,
  ],
  [
    FailsAtItsEnd,
    /hears how/,
    /knob: ended\(\) throws "no such change"; do what is to be done once by changeId/,
  ],
  [NeverCloses, /closed in the middle/, /knob: close\(\) or the move does not end; end what is under way/],
  [NeverCloses, /closed twice/, /knob: close\(\) has not returned within 2000 ms; end what is under way/],
  [
    StepsDownEachTime,
    /the same again/,
    /knob: asks for something else the second time: .*; read first, and write/,
  ],
  [
    SetsWhenItPersists,
    /outlast/,
    /knob: persist\(\) changed settings: knob=90, not knob=92; persist\(\) writes down/,
  ],
  [
    GoesOverItsCeiling,
    /than its ceiling/,
    /knob: costs \d+, its ceiling is 921600; costBytes is what it may come/,
  ],
  [
    IsSilentAtItsCeiling,
    /than its ceiling/,
    /knob: is at its ceiling, and why.ceiling is missing; say why in a few/,
  ],
  [MovesForEver, /ends the moves/, /knob: still moves after 200 ms: one more step; end the move/],
  [
    ShufflesItsSettings,
    /same order/,
    /knob: lists unit knob, and then knob unit; list all its knobs, always/,
  ],
  [
    ReadsOnAndOn,
    /read that is aborted/,
    /knob: holds on to a call that is aborted; stop waiting when the signal/,
  ],
  [TearsWhenInUse, /many reads/, /knob: read\(\) throws "too many readers"/],
  [IsSilentAtItsFloor, /floor that it names/, /is at its floor, and why.floor is missing; say why in a few/],
  [ThrowsWhenItShrinks, /shrinks/, /knob: throws "not today"; a size from its floor to its ceiling is taken/],
  [
    ThrowsWhenItShrinks,
    /comes and goes/,
    /memory goes to .*: failed \(not today\); do what resize\(\) is asked/,
  ],
  [UsesHalf, /uses it/, /uses \d+ of a budget of \d+; round down by one step, not more/],
  [UsesHalf, /nothing to do/, /costs \d+ where the plan gives it \d+; follow each budget/],
  [
    MovesByMoreThanItSays,
    /few of its steps/,
    /costs \d+ with \d+ more, \d+ before; stepBytes of 1024 is the/,
  ],
];

for (const [Wrong, title, words] of WRONG) {
  test(`checkDriver: what ${Wrong.name} fails "${title.source}", and is told what to mend`, async () => {
    const knob = new Knob();
    const waitMs = Wrong === MovesForEver ? 200 : 30_000;
    const checks = checkDriver(() => new Wrong(knob), { ...BUDGETS, waitMs });
    const check = checks.find((found) => title.test(found.title));
    assert.ok(check);
    await assert.rejects(check.run(), words);
  });
}

test('checkDriver: what never shrinks fails at the end too, and is told where it was to', async () => {
  const checks = checkDriver(() => new ThrowsWhenItShrinks(new Knob()), BUDGETS);
  for (const { run } of checks.slice(0, -1)) await run().catch(() => undefined);
  await assert.rejects(
    async () => checks.at(-1)?.run(),
    /knob: this run had no shrink \(software that does not give memory.*; "follows memory.*" failed: mend/,
  );
});

test('checkDriver: an honest driver writes only what differs', async () => {
  const knob = new Knob();
  const checks = checkDriver(() => new HonestDriver(knob), BUDGETS);
  await checks.find(({ title }) => /the same again/.test(title))?.run();
  assert.equal(knob.writes, 1);
});
