// The shell around one driver: it alone calls the driver. Deadlines, one call at a time, reading until a move
// is done, proof and the answer are here, so that a driver that throws, hangs, lies or floods harms only
// itself (E5).
//
//   resize --> asked settings --> read until nothing moves --> judge --> held <= budget for 2 s --> answer
//      |                                  |
//   Refusal: refused                   deadline: stuck (the call never returned) or partial, failed
import { answerOf } from './answer.ts';
import { CallContext, settled } from './call.ts';
import type { Clock } from './clock.ts';
import { Deadlines, type Waiting } from './deadlines.ts';
import type { Driver, DriverState, Setting, Target } from './driver.ts';
import { checkSettings, checkState } from './driver-check.ts';
import { HotaddError, messageOf, Refusal } from './errors.ts';
import { type Judgement, judge, notSetBack, settingsEqual } from './judge.ts';
import type { Answer } from './outcome.ts';
import { prove } from './prove.ts';
import type { Round } from './round.ts';

/** How long a driver may take for one change, from being told to being judged (E10). */
export const DEADLINE_MS = 30_000;
const READ_DEADLINE_MS = 5_000;
const LOOK_MS = { first: 5, longest: 100 };

const GONE = 'it is no longer registered';
const LATE = Symbol('late');
const LEFT = Symbol('left');

interface Call {
  readonly context: CallContext;
  readonly returned: Promise<unknown>;
  /** From then on a driver that has not returned is stuck. */
  readonly untilMs: number;
  waiting: Waiting | null;
}

export class Shell {
  readonly driver: Driver;
  readonly #clock: Clock;
  readonly #deadlines: Deadlines;
  #call: Call | null = null;
  #askedBytes: number | null = null;
  #state: DriverState | null = null;
  /** Reads begun so far, and which of them the state is from: a slow one brings nothing older back. */
  #reads = 0;
  #stateRead = 0;
  /** Calls sent so far: tells a reading from before a call. */
  #sent = 0;
  /** Calls of any kind that the driver has not returned from. */
  #inFlight = 0;
  readonly #whenQuiet: (() => void)[] = [];
  #retired = false;
  /** What the driver said last while it moved: how much was evicted, for instance. */
  #movingNote: string | null = null;

  constructor(driver: Driver, clock: Clock, deadlines: Deadlines = new Deadlines(clock)) {
    this.driver = driver;
    this.#clock = clock;
    this.#deadlines = deadlines;
  }

  /** True while a call has ignored its deadline and has not returned: nothing more is sent. */
  get stuck(): boolean {
    return this.#call !== null && this.#clock.monotonicMs() >= this.#call.untilMs;
  }

  /** True while a call has not returned. */
  get busy(): boolean {
    return this.#call !== null;
  }

  /** Bytes asked of the driver and not yet proven; counted in room (P1). */
  get askedBytes(): number | null {
    return this.#askedBytes;
  }

  /** No call begins from now on; resolves when none is in flight (N12). */
  retire(): Promise<void> {
    this.#retired = true;
    if (this.#inFlight === 0) return Promise.resolve();
    return new Promise((resolve) => {
      this.#whenQuiet.push(resolve);
    });
  }

  /** As read last, by whomever; stays when a read fails (S2). `null`: it could never be read. */
  get state(): DriverState | null {
    return this.#state;
  }

  /** Asks the call under way, if there is one, to stop; a driver that is deaf to it is not waited for. */
  abort(reason: string): void {
    this.#call?.context.abort(reason);
    if (this.#call?.waiting) this.#deadlines.hurry(this.#call.waiting, LOOK_MS.longest);
  }

  /**
   * What is true now. Rejects with HOTADD_BAD_DRIVER for a state out of range, or when no answer comes in
   * time.
   */
  async read(withinMs = READ_DEADLINE_MS): Promise<DriverState> {
    if (this.#retired) throw new HotaddError('HOTADD_BAD_DRIVER', GONE, { place: this.driver.name });
    const sent = this.#call === null ? this.#sent : null;
    this.#reads += 1;
    const begun = this.#reads;
    const controller = new AbortController();
    const reading = this.driver.read(controller.signal);
    this.#inFlight += 1;
    const state = await this.#deadlines.race(
      reading,
      withinMs,
      () => LATE,
      () => this.#returned(),
    );
    if (state === LATE) {
      controller.abort();
      throw new HotaddError('HOTADD_BAD_DRIVER', `read gave no answer within ${withinMs} ms`, {
        place: this.driver.name,
      });
    }
    checkState(this.driver.name, state as DriverState);
    if (begun > this.#stateRead) {
      this.#stateRead = begun;
      this.#state = state as DriverState;
    }
    // Read after the last call has returned, the cost is what it may take: nothing asked is outstanding.
    const current = sent === this.#sent && (state as DriverState).moving === undefined;
    if (current) this.#askedBytes = null;
    return state as DriverState;
  }

  /** Takes the driver to a budget and answers for what came of it. Never rejects. */
  async resize(target: { bytes: number } & Target, before: DriverState, round: Round): Promise<Answer> {
    const startedMs = this.#clock.monotonicMs();
    const close = (judgement: Judgement, after: DriverState | null, proven = false): Answer => {
      if (proven || judgement.verdict === 'refused') this.#askedBytes = null;
      const tookMs = this.#clock.monotonicMs() - startedMs;
      return answerOf(this.driver.name, {
        budgetBytes: target.bytes,
        before,
        after,
        judgement: { ...judgement, note: judgement.note ?? this.#movingNote },
        proven,
        tookMs,
      });
    };
    // A call under way may yet bring it to what that call asks: a shrink is one from there.
    const mayLand = this.#call !== null && target.bytes < Math.max(before.costBytes, this.#askedBytes ?? 0);
    this.#count(target.bytes);
    this.#movingNote = null;
    const landed = mayLand ? await this.#landedBelow(target.bytes, round) : null;
    const asked = landed ?? (await this.#ask(target, round));
    if (!Array.isArray(asked)) return close(asked, await this.#readOrNull());
    const deadlineMs = startedMs + DEADLINE_MS;
    const after = await this.#readUntilStill(round, deadlineMs);
    if (after instanceof Error) return close({ verdict: 'failed', note: after.message }, null);
    const judgement = judge(before, asked, after, target.bytes);
    if (judgement.verdict !== 'resized') return close(judgement, after);
    if (target.bytes >= before.costBytes) return close(judgement, after, true);
    const proof = { after, judgement, round, deadlineMs, close };
    return prove(target.bytes, proof, this.#clock, {
      read: () => this.read(),
      pause: () => this.#deadlines.pause(LOOK_MS.longest),
    });
  }

  /**
   * Hands settings back exactly. Resolves to null when they read back as asked, else to what differs (F3).
   * @param costBytes what the driver may take with them, counted in room until it reads back; 0: not known.
   */
  async handBack(settings: readonly Setting[], round: Round, costBytes = 0): Promise<string | null> {
    this.abort('the change failed: settings are handed back');
    this.#count(costBytes);
    const asked = await this.#ask({ settings }, round);
    if (!Array.isArray(asked)) return asked.note;
    const after = await this.#readUntilStill(round, this.#clock.monotonicMs() + DEADLINE_MS);
    if (after instanceof Error) return after.message;
    const differing = settings.filter((setting) => !settingsEqual([setting], after.settings));
    if (differing.length === 0) return null;
    return differing.map((setting) => notSetBack(setting, after.settings)).join('; ');
  }

  /** Tells how a started change ended. Errors are the driver's own affair. */
  async end(outcome: { changeId: number; phase: 'complete' | 'failure' }): Promise<string | null> {
    if (this.driver.ended === undefined || this.#retired) return null;
    try {
      const ended = this.driver.ended(outcome);
      this.#inFlight += 1;
      const late = await this.#deadlines.race(
        ended,
        READ_DEADLINE_MS,
        () => LATE,
        () => this.#returned(),
      );
      return late === LATE ? 'ended() did not return in time' : null;
    } catch (error) {
      return messageOf(error);
    }
  }

  /** Sends one call: after the one before has returned, and within the deadline. */
  async #ask(target: Target, round: Round): Promise<Setting[] | Judgement> {
    if (this.#call !== null && !(await this.#lastReturns(round)))
      return { verdict: 'stuck', note: 'an earlier call has not returned' };
    if (this.#retired) return { verdict: 'failed', note: GONE };
    try {
      const asked = await this.#send(target, round);
      if (asked === LATE)
        return { verdict: 'stuck', note: `has not returned within ${DEADLINE_MS / 1000} s` };
      if (asked === LEFT) return { verdict: 'stuck', note: 'had not returned when a newer change came' };
      return checkSettings(this.driver.name, asked as Setting[]);
    } catch (error) {
      if (error instanceof Refusal) return { verdict: 'refused', note: error.message };
      return { verdict: 'failed', note: messageOf(error) };
    }
  }

  /** Newest change wins: the call under way is asked to stop, and has its own deadline to do so. */
  async #lastReturns(round: Round): Promise<boolean> {
    for (let call = this.#call; call !== null; call = this.#call) {
      if (this.stuck || round.overtaken) return false;
      call.context.abort('overtaken by a newer change');
      await this.#deadlines.race(settled(call.returned), LOOK_MS.longest, () => null);
    }
    return true;
  }

  /**
   * A call that was under way may have landed lower than a shrink asks for: to send the shrink then would be
   * growth that nobody made room for (P1). Then the settings as they stand are the answer; where they cannot
   * be read nothing is sent. `null`: send it.
   */
  async #landedBelow(bytes: number, round: Round): Promise<Setting[] | Judgement | null> {
    if (!(await this.#lastReturns(round))) return null;
    try {
      const now = await this.read();
      return now.costBytes <= bytes ? [...now.settings] : null;
    } catch (error) {
      return { verdict: 'failed', note: messageOf(error) };
    }
  }

  /** One call of resize: what it returned, or why it is not waited for any longer. */
  #send(target: Target, round: Round): Promise<Setting[] | symbol> {
    const context = new CallContext(round, DEADLINE_MS);
    const untilMs = this.#clock.monotonicMs() + DEADLINE_MS;
    this.#sent += 1;
    // The call before has returned: from here on this is all that may come.
    if ('bytes' in target) this.#askedBytes = target.bytes;
    const returned = this.driver.resize(target, context);
    const call: Call = { context, returned, untilMs, waiting: null };
    const onLate = () => {
      if (!this.stuck) return LEFT;
      context.abort(`no answer within ${DEADLINE_MS} ms`);
      return LATE;
    };
    const onEnd = () => {
      this.#call = null;
      this.#returned();
    };
    const onWait = (waiting: Waiting) => {
      call.waiting = waiting;
    };
    this.#call = call;
    this.#inFlight += 1;
    return this.#deadlines.race(returned, DEADLINE_MS, onLate, onEnd, onWait);
  }

  #returned(): void {
    this.#inFlight -= 1;
    if (this.#inFlight === 0) for (const resolve of this.#whenQuiet.splice(0)) resolve();
  }

  /** What is asked now comes beside what was asked before and may still take effect. */
  #count(bytes: number): void {
    this.#askedBytes = Math.max(bytes, this.#askedBytes ?? 0);
  }

  async #readOrNull(): Promise<DriverState | null> {
    return this.read().catch(() => null);
  }

  /** Reads until nothing moves, the deadline passes or the round is overtaken. */
  async #readUntilStill(round: Round, deadlineMs: number): Promise<DriverState | Error> {
    let lookMs = LOOK_MS.first;
    for (;;) {
      try {
        const state = await this.read();
        this.#movingNote = state.moving?.note ?? this.#movingNote;
        const nowMs = this.#clock.monotonicMs();
        if (state.moving === undefined || nowMs >= deadlineMs || round.overtaken) return state;
      } catch (error) {
        return error instanceof Error ? error : new Error(messageOf(error));
      }
      await this.#deadlines.pause(lookMs);
      lookMs = Math.min(LOOK_MS.longest, lookMs * 2);
    }
  }
}
