// One driver on trial: asking it, waiting until it is still, and saying what is wrong. The checks themselves
// are in the files beside this one, one for each question.
import {
  type Driver,
  type DriverState,
  READ_IN_LOOK_MS,
  type ResizeContext,
  type Setting,
  type Target,
} from '../core/driver.ts';
import { HotaddError, messageOf, Refusal } from '../core/errors.ts';
import { CheckClock, LATE, type Pause } from './check-driver-clock.ts';
import { memoryOf } from './check-driver-memory.ts';
import { problemOf } from './check-driver-shape.ts';
import type { DriverTally } from './check-driver-tally.ts';
import { CheckWorld, Records } from './check-driver-world.ts';
import type { DriverSim } from './driver-sim.ts';

/**
 * Opens a driver over the software under test, which is at rest: once for each check, or twice where a
 * planner dies or a second driver reads.
 */
export type MakeDriver = () => Driver | Promise<Driver>;

/** What a driver is tried with. */
export interface CheckDriverOptions {
  /** The smaller of two budgets that it takes. */
  readonly smallBytes: number;
  /** The larger: at least eight of its steps, a tenth and 256 KiB above the smaller. */
  readonly largeBytes: number;
  /**
   * The longest that a move may take, and resize() until it returns. Default: 30 s for a move, 4 s for
   * resize().
   */
  readonly waitMs?: number;
  /**
   * Waiting, where time is not the real one: `(delayMs) => clock.advance(delayMs)`. Default: real time,
   * of which what nobody waits for is skipped.
   */
  pause?(delayMs: number): Promise<unknown>;
  /**
   * Puts the software in use while the driver is resized, until the signal aborts; rejects when it fails
   * those who use it. Default: it is read all the time.
   */
  use?(signal: AbortSignal): void | Promise<void>;
  /** Told at the end of a run what it met. */
  onTally?(tally: DriverTally): void;
}

export type Ask = (trial: Trial) => Promise<void>;
/** By title. */
export type Checks = Readonly<Record<string, Ask>>;

const LOOK_MS = 20;
const DEFAULT_WAIT_MS = 30_000;
/** Less than the 5 s that vitest and jest give a test: what hangs is told by the kit, in its words. */
const DEFAULT_RETURNS_MS = 4_000;
/** How long an aborted call may take to return, and a driver to close. */
export const LETS_GO_MS = 1_000;
const CLOSES_MS = 2 * LETS_GO_MS;
/** A driver that stops within this share of its budget, or one step, has used it (judge.ts). */
const WHOLE_WITHIN = 0.02;
export const RETURN =
  'start the move, return, and let read() tell how far it is (moving), or give it longer (waitMs)';
const READS = 'it tells what is true at each call, whatever the size';
export const COSTS = 'costBytes is what it may come to take with the settings in force, overhead included';

export class Trial {
  readonly driver: Driver;
  readonly options: CheckDriverOptions;
  readonly tally: DriverTally;
  readonly clock: CheckClock;
  /** What has not returned in time; `null`: everything has. */
  hung: string | null = null;
  /** It has been told to close: it need not be read any more. */
  isShut = false;
  readonly #makeDriver: MakeDriver;
  readonly #pause: Pause | null;
  readonly #others: Driver[] = [];
  readonly #worlds: CheckWorld[] = [];
  #changeId = 0;

  constructor(driver: Driver, makeDriver: MakeDriver, options: CheckDriverOptions, tally: DriverTally) {
    this.driver = driver;
    this.options = options;
    this.tally = tally;
    this.#makeDriver = makeDriver;
    this.#pause = options.pause ? oneAtATime((delayMs) => options.pause?.(delayMs)) : null;
    this.clock = new CheckClock(this.#pause);
  }

  get waitMs(): number {
    return this.options.waitMs ?? DEFAULT_WAIT_MS;
  }

  /** A world around the driver, or around another one; closed at the end of the check. */
  world(
    parts: { roomBytes?: number; neighbour?: DriverSim; records?: Records; driver?: Driver } = {},
  ): CheckWorld {
    const { roomBytes = this.options.largeBytes, neighbour = null, driver = this.driver } = parts;
    const { records = new Records() } = parts;
    const { tally } = this;
    const world = new CheckWorld({ driver, neighbour, records, roomBytes, tally, pause: this.#pause });
    this.#worlds.push(world);
    return world;
  }

  /** One more driver over the same software; closed at the end of the check. */
  async another(): Promise<Driver> {
    const driver = await this.#makeDriver();
    this.#others.push(driver);
    return driver;
  }

  async read(driver: Driver = this.driver): Promise<DriverState> {
    const reading = (async () => driver.read(new AbortController().signal))();
    const state = await this.clock.within(reading, READ_IN_LOOK_MS).catch((error: unknown) => {
      throw this.bad(`read() ${saidBy(error)}`, READS, error);
    });
    if (state === LATE)
      throw this.bad(`read() gives no answer within ${READ_IN_LOOK_MS} ms`, 'read what is cheap to read');
    return state;
  }

  async ask(
    target: { bytes: number } | { settings: readonly Setting[] },
    signal: AbortSignal = new AbortController().signal,
  ): Promise<Setting[]> {
    const withinMs = this.options.waitMs ?? DEFAULT_RETURNS_MS;
    const asked = await this.clock.within(this.start(target, signal), withinMs);
    if (asked !== LATE) return asked;
    this.hung = `resize() has not returned within ${withinMs} ms`;
    throw this.bad(this.hung, RETURN);
  }

  /** One call of resize, with nobody who waits for it. */
  start(
    target: { bytes: number } | { settings: readonly Setting[] },
    signal: AbortSignal = new AbortController().signal,
  ): Promise<Setting[]> {
    this.#changeId += 1;
    const context: ResizeContext = {
      changeId: this.#changeId,
      phase: 'arrival',
      deadlineMs: this.waitMs,
      signal,
    };
    const whole: Target = 'bytes' in target ? { ...target, memory: memoryOf(target.bytes) } : target;
    return this.driver.resize(whole, context);
  }

  /** What resize throws; `null`: nothing. */
  thrown(target: { bytes: number }): Promise<unknown> {
    return this.ask(target).then(
      () => null,
      (error: unknown) => {
        if (error instanceof Refusal) this.tally.refusals += 1;
        return error;
      },
    );
  }

  /** Goes to a budget, and holds the driver to it. */
  async to(bytes: number): Promise<DriverState> {
    const asked = await this.ask({ bytes });
    const state = await this.still();
    this.expectReadBack(asked, state);
    const size = sizeOf(state);
    this.expect(size <= bytes, `costs ${size} with a budget of ${bytes}`, `round settings down; ${COSTS}`);
    return state;
  }

  expectReadBack(asked: readonly Setting[], state: DriverState): void {
    for (const { name, value, pending } of asked) {
      const found = state.settings.find((setting) => setting.name === name);
      const readsBack =
        found?.value === value || (found !== undefined && found.pending === (pending ?? value));
      const problem = `asked ${name}=${value}, reads back ${found?.value ?? 'nothing'}`;
      const mend = 'return the value as the server will tell it, and read it from the server';
      this.expect(readsBack, problem, mend);
    }
  }

  /** The state once nothing moves any more. */
  async still(driver: Driver = this.driver): Promise<DriverState> {
    for (let waitedMs = 0; ; waitedMs += LOOK_MS) {
      const state = await this.read(driver);
      this.checkState(state);
      if (state.moving === undefined) return state;
      const problem = `still moves after ${this.waitMs} ms: ${state.moving.note}`;
      this.expect(waitedMs < this.waitMs, problem, 'end the move');
      await this.clock.pause(LOOK_MS);
    }
  }

  /** Looks at it for a while in which nobody asks anything of it. */
  async expectRest(driver: Driver, what: string, mend: string): Promise<void> {
    const first = await this.still(driver);
    for (let look = 0; look < 8; look += 1) {
      await this.clock.pause(LOOK_MS);
      const state = await this.read(driver);
      this.expectSettings(state.settings, first.settings, what, mend);
    }
  }

  /** Whether a promise settles in time. */
  async settles(promise: Promise<unknown>, withinMs = LETS_GO_MS): Promise<boolean> {
    const settled = promise.then(
      () => true,
      () => true,
    );
    return (await this.clock.within(settled, withinMs)) !== LATE;
  }

  checkState(state: DriverState): void {
    const problem = problemOf(state);
    if (problem !== null) throw this.bad(problem.what, problem.mend);
    const { heldBytes, ceilingBytes } = state;
    // What cannot be told, and a follower that takes none, need show nothing.
    if (heldBytes === null || heldBytes > 0 || ceilingBytes === 0) this.tally.holds += 1;
  }

  expectSettings(found: readonly Setting[], wanted: readonly Setting[], problem: string, mend: string): void {
    this.expect(
      textOf(found) === textOf(wanted),
      `${problem}: ${textOf(found)}, not ${textOf(wanted)}`,
      mend,
    );
  }

  expect(holds: boolean, problem: string, mend: string): void {
    if (!holds) throw this.bad(problem, mend);
  }

  bad(problem: string, mend: string, cause?: unknown): HotaddError {
    return new HotaddError('HOTADD_BAD_DRIVER', problem, { place: this.driver.name, mend, cause });
  }

  /**
   * Closes what the check has opened. One that does not close is left behind, so that the check can end.
   */
  async close(): Promise<void> {
    for (const world of this.#worlds) await this.clock.within(world.close(), LETS_GO_MS);
    try {
      await Promise.all([this.driver, ...this.#others].map((driver) => this.shut(driver)));
    } finally {
      this.clock.stop();
    }
  }

  /** Closes a driver, which must not take long. */
  async shut(driver: Driver): Promise<void> {
    this.isShut ||= driver === this.driver;
    const closed = await this.clock.within(Promise.resolve(driver.close?.()), CLOSES_MS);
    this.expect(closed !== LATE, `close() has not returned within ${CLOSES_MS} ms`, 'end what is under way');
  }
}

/** A check may fail before it awaits what it began: what that throws is told to nobody, and ends no run. */
export function heard<Result>(begun: Promise<Result>): Promise<Result> {
  begun.catch(() => undefined);
  return begun;
}

/** What it may come to take: after a restart, where that is what the settings wait for. */
export function sizeOf(state: DriverState): number {
  return state.afterRestartBytes ?? state.costBytes;
}

/** It has done what it can without a restart. */
export function waitsForRestart({ afterRestartBytes, settings }: DriverState): boolean {
  return afterRestartBytes !== undefined || settings.some(({ pending }) => pending !== undefined);
}

/** By how much two sizes may differ that are the same for the plan. */
export function slackOf({ stepBytes }: DriverState, budgetBytes: number): number {
  return 2 * Math.max(stepBytes, budgetBytes * WHOLE_WITHIN);
}

export function textOf(settings: readonly Setting[]): string {
  return settings
    .map(
      ({ name, value, pending }) => `${name}=${value}${pending === undefined ? '' : ` (${pending} waits)`}`,
    )
    .sort()
    .join(' ');
}

export function saidBy(error: unknown): string {
  return `throws "${messageOf(error)}"`;
}

/** Two that pause at once would move simulated time twice. */
function oneAtATime(pause: Pause | ((delayMs: number) => Promise<unknown> | undefined)): Pause {
  let before: Promise<unknown> = Promise.resolve();
  return (delayMs) => {
    before = before.then(() => pause(delayMs));
    return before;
  };
}
