// THE IDEA. The notifier takes one change at a time through the drivers: plan, notify, resize, prove, record.
//
// Planned change:
//   idle --> starting --F2 holds--> operating --it happened (all or part)--> completing --> idle
//               |                      |
//               | F2 cannot be had     | it did not happen
//               v                      v
//            failing: settings handed back, exactly as read, to those that changed ----> idle
//
//          | start                             | operation       | complete        | failure
//   shrink | resize down, wait for proof (F2)  | limit / offline | plan again      | settings handed back
//   grow   | news only: nobody moves, no veto  | limit / online  | plan, resize up | news
//
// Observed change: idle --> arriving --> idle. No veto: a shrink resizes down at once, a growth resizes up.
//
// A newer fact overtakes: while arriving or completing, the round under way stops waiting and the next
// begins; while starting or operating, those told start hear failure, then the arrival. A second planned
// change gets HOTADD_BUSY.
import type { Change, News, Phase } from './change.ts';
import { type Conclusion, outcomeOf } from './conclusion.ts';
import { DuePass } from './due-pass.ts';
import { HotaddError, messageOf } from './errors.ts';
import type { PhysicalMemory } from './memory.ts';
import type { PlannedRequest } from './operation.ts';
import { type Answer, type Outcome, resultOf } from './outcome.ts';
import { runPass } from './pass.ts';
import { runPlanned } from './planned.ts';
import { intentsOf, type Recorder } from './record.ts';
import { Round } from './round.ts';
import { costsOf, differing, noteMissed, type Surroundings, type Survey, survey } from './survey.ts';

const CLOSING = 'hotadd is closing';

export type NotifierState = 'idle' | 'arriving' | 'starting' | 'operating' | 'completing' | 'failing';

export interface NotifierSeams extends Surroundings {
  readonly recorder: Recorder;
  /** False: plan and report, touch nothing. */
  readonly apply: boolean;
  /** Told of each look before something is done or left: drivers as they read, and the plan. */
  onLook?(look: Survey): void;
  /** Told of every outcome, after it is recorded. */
  onOutcome?(outcome: Outcome): void;
}

export class Notifier {
  readonly seams: NotifierSeams;
  #state: NotifierState = 'idle';
  #change: Change | null = null;
  #round: Round | null = null;
  #overtaken: string | null = null;
  #plannedForBytes: number | null = null;
  #turn: Promise<unknown> = Promise.resolve();
  #waiting: Promise<Outcome | null> | null = null;
  readonly #due = new DuePass<Outcome | null>();
  #planned = false;
  /** What differed from the plan at the last measure. */
  #lastDiffering = '';
  readonly #closing = new AbortController();

  constructor(seams: NotifierSeams) {
    this.seams = seams;
  }

  get state(): NotifierState {
    return this.#state;
  }

  /** The change under way; `null` when idle. */
  get change(): Change | null {
    return this.#change;
  }

  /** Usable memory that was last planned for: what the next change is measured against. */
  get plannedForBytes(): number | null {
    return this.#plannedForBytes;
  }

  /** A look and a plan, as it is or as it would be under another limit of its own; touches nothing (P5). */
  look(ownLimitBytes?: number): Promise<Survey> {
    return survey(this.seams, { repair: false, ...(ownLimitBytes === undefined ? {} : { ownLimitBytes }) });
  }

  /**
   * Memory has moved: overtakes what is under way. Plans from memory as it is when its turn comes; resolves
   * to null when there is nothing to do. Calls that wait for the same turn share one pass.
   */
  arrive(cause: string): Promise<Outcome | null> {
    this.#overtake(cause);
    if (this.#waiting !== null) return this.#waiting;
    const waiting = this.#takeTurn(() => {
      this.#waiting = null;
      return this.#arriveNow(cause);
    });
    this.#waiting = waiting;
    return waiting;
  }

  /**
   * Measures what is in use beside the drivers, and looks whether they are as planned. Where one newly
   * differs (it restarted; room has been missing for a minute, P3) it goes on to a pass. What a pass could
   * not mend waits for the next drift pass: nothing is asked again every few seconds.
   */
  async measure(): Promise<Outcome | null> {
    if (this.#isBusy) return null;
    const look = await this.#lookAround(true);
    const seen = differing(look);
    const isNew = seen !== '' && seen !== this.#lastDiffering;
    this.#lastDiffering = seen;
    return isNew ? this.repair('drivers differ from the plan') : null;
  }

  /**
   * A pass is due (drift, a new driver): it overtakes nobody. Unless told to wait, it gives way to a change
   * under way. Calls that wait for the same turn share one pass.
   */
  repair(cause: string, { wait = false } = {}): Promise<Outcome | null> {
    if (!wait) return this.#isBusy ? Promise.resolve(null) : this.#takeTurn(() => this.#arriveNow(cause));
    return this.#due.join(cause, (begin) => this.#takeTurn(() => this.#arriveNow(begin())));
  }

  get #isBusy(): boolean {
    return this.#planned || this.#change !== null || this.#waiting !== null;
  }

  /**
   * Carries out a planned change. Rejects with HOTADD_BUSY (who holds it), HOTADD_NOT_APPLIED,
   * HOTADD_UNREADABLE, HOTADD_GONE or HOTADD_HISTORY before anyone is told; after that the outcome tells.
   */
  async carryOut(request: PlannedRequest): Promise<Outcome> {
    if (this.#planned || this.#change !== null || this.#waiting !== null) throw busy(this.#change);
    if (!this.seams.apply) {
      throw new HotaddError('HOTADD_NOT_APPLIED', 'nothing is changed here', {
        mend: 'set apply: true, in the configuration or by openPartition({ apply: true })',
      });
    }
    this.#planned = true;
    const begin = async () => {
      if (this.closing.aborted) throw new HotaddError('HOTADD_CLOSED', 'the partition has been closed');
      return runPlanned(this, request);
    };
    return this.#takeTurn(begin).finally(() => {
      this.#planned = false;
    });
  }

  /** Runs something that must not meet a change, such as handing settings back on request. */
  exclusive<Result>(work: () => Promise<Result>): Promise<Result> {
    if (this.#change !== null) return Promise.reject(busy(this.#change));
    return this.#takeTurn(work);
  }

  /**
   * Stops waiting for proof and resolves when nothing is under way; what waits for its turn does not begin.
   * Sizes stay as they are (E1).
   */
  async close(): Promise<void> {
    this.#closing.abort(CLOSING);
    this.#overtake(CLOSING);
    await this.#turn;
  }

  // ---- What planned.ts shares with the arrival below. ----

  /** Enters a state of a change and tells the listeners its phase. */
  enter(state: NotifierState, change: Change | null, phase?: Phase): void {
    this.#state = state;
    this.#change = change;
    // The limit moves by our own hand now: what is seen of it overtakes nobody.
    if (state === 'operating') this.#round = null;
    if (change === null || phase === undefined) return;
    const news: News = { changeId: change.changeId, kind: change.kind, phase, cause: change.cause };
    this.seams.registry.tell(news);
  }

  /** Memory is read from here on: what arrives after this is newer than the plan, also before its round. */
  beginLook(): void {
    this.#overtaken = this.closing.aborted ? CLOSING : null;
  }

  /** Begins a round that a newer fact can overtake, or has overtaken already. */
  beginRound(changeId: number, phase: Phase): Round {
    this.#round = new Round(changeId, phase);
    this.#round.overtaken = this.#overtaken !== null;
    return this.#round;
  }

  /** Aborts when hotadd closes. */
  get closing(): AbortSignal {
    return this.#closing.signal;
  }

  /** What overtook the change under way; `null`: nothing did. */
  get overtakenBy(): string | null {
    return this.#overtaken;
  }

  /** Carries a look's plan out among the drivers; a plan that is overtaken already is sent to nobody. */
  async pass(look: Survey, round: Round, shrinksOnly = false): Promise<Answer[]> {
    if (round.overtaken) return [];
    return runPass(look, {
      round,
      shrinksOnly,
      lookAgain: () => survey(this.seams, { repair: false }),
    });
  }

  planFor(memory: PhysicalMemory): void {
    this.#plannedForBytes = memory.usableBytes ?? this.#plannedForBytes;
  }

  async conclude(parts: Conclusion): Promise<Outcome> {
    const { clock, recorder } = this.seams;
    const outcome = outcomeOf(parts, clock.monotonicMs());
    await recorder.outcome(outcome).catch(() => undefined);
    this.enter('idle', null);
    this.#round = null;
    try {
      this.seams.onOutcome?.(outcome);
    } catch {
      // Whoever listens harms only itself: the change has ended, and is recorded.
    }
    return outcome;
  }

  // ---- The observed change. ----

  async #arriveNow(cause: string): Promise<Outcome | null> {
    const { clock, apply, recorder } = this.seams;
    const startedAt = clock.wallMs();
    const startedMs = clock.monotonicMs();
    if (this.closing.aborted) return null;
    this.beginLook();
    const memory = this.seams.sense();
    const toBytes = memory.usableBytes;
    if (toBytes === null || memory.gone) return null;
    const fromBytes = this.#plannedForBytes ?? toBytes;
    const kind = toBytes > fromBytes ? 'grow' : toBytes < fromBytes ? 'shrink' : 'repair';
    this.#plannedForBytes = toBytes;
    const look = await this.#lookAround(kind === 'repair');
    noteMissed(look, kind !== 'repair');
    if (kind === 'repair' && (!apply || differing(look) === '')) return null;
    const changeId = recorder.nextChangeId();
    const change: Change = { changeId, kind, origin: 'observed', fromBytes, toBytes, cause };
    this.enter('arriving', change, 'arrival');
    const told = { change, startedAt, startedMs, handedBack: [] };
    const untold = { ...told, answers: [], look };
    if (!apply) return this.conclude({ ...untold, result: 'done', reason: 'apply: false', applied: false });
    const intent = { change, startedAt, drivers: intentsOf(look) };
    const unwritten = await recorder.intent(intent).then(() => null, messageOf);
    // A fact is a fact: without a history shrinks still go on, growth does not (E2).
    if (unwritten !== null && kind !== 'shrink')
      return this.conclude({ ...untold, result: 'failed', reason: unwritten });
    const round = this.beginRound(change.changeId, 'arrival');
    const answers = await this.pass(look, round, unwritten !== null);
    const end = await survey(this.seams, { repair: false });
    const reason = round.overtaken ? `overtaken: ${this.#overtaken}` : unwritten;
    // Less memory, and drivers that may take more than there is: that is not done, whoever could not move.
    const isShort = kind === 'shrink' && costsOf(end) > end.plan.roomBytes;
    const result = resultOf(answers, round.overtaken || unwritten !== null || isShort);
    return this.conclude({ ...told, result, answers, look: end, reason });
  }

  async #lookAround(repair: boolean): Promise<Survey> {
    const look = await survey(this.seams, { repair });
    this.seams.onLook?.(look);
    return look;
  }

  #overtake(cause: string): void {
    this.#overtaken ??= cause;
    if (this.#round === null) return;
    this.#round.overtaken = true;
    for (const { shell } of this.seams.registry.members) shell.abort(`overtaken: ${cause}`);
  }

  #takeTurn<Result>(work: () => Promise<Result>): Promise<Result> {
    const run = async () => {
      try {
        return await work();
      } finally {
        this.enter('idle', null);
        this.#round = null;
      }
    };
    const turn = this.#turn.then(run);
    this.#turn = turn.catch(() => undefined);
    return turn;
  }
}

function busy(change: Change | null): HotaddError {
  const holder =
    change === null ? 'a change that has just arrived' : `change ${change.changeId} (${change.cause})`;
  return new HotaddError('HOTADD_BUSY', `${holder} is under way`, { mend: 'try again when it has ended' });
}
