// A planned change: the start, the operation and its ending, as drawn in notifier.ts. Memory is taken away
// only when the room for it is proven (F2), and a change that fails hands settings back exactly as they were
// read (F3).
import { formatBytes, KiB } from './bytes.ts';
import type { Change } from './change.ts';
import type { Conclusion } from './conclusion.ts';
import type { DriverState } from './driver.ts';
import { HotaddError, messageOf } from './errors.ts';
import { handBack, isRegistered } from './hand-back.ts';
import { headroomBytes, type Limit, type PhysicalMemory } from './memory.ts';
import type { Notifier } from './notifier.ts';
import type { PlannedRequest } from './operation.ts';
import { type Answer, type Outcome, resultOf } from './outcome.ts';
import { intentsOf } from './record.ts';
import type { Member } from './registry.ts';
import { watchRoom } from './room-watch.ts';
import type { Round } from './round.ts';
import { costsDoNotFit, floorsDoNotFit, isElsewhere } from './shortage.ts';
import { noteMissed, type Survey, survey } from './survey.ts';

const OPERATION_DEADLINE_MS = 10_000;
/**
 * A limit that the kernel rounded down to its page is the one asked for; pages are 64 KiB at most on the
 * machines we know.
 */
export const PAGE_MOST_BYTES = 64 * KiB;

export interface Running {
  readonly notifier: Notifier;
  /** With the amount that can be had of what was asked. */
  readonly request: PlannedRequest;
  readonly askedBytes: number;
  /** Why these two differ, and what went otherwise than asked; for people. */
  note: string | null;
  readonly change: Change;
  /**
   * The operation's own reading before, and the limit of the partition's own level (they differ under
   * memory.high).
   */
  readonly expected: Limit;
  readonly ownBefore: Limit | null;
  readonly startedAt: number;
  readonly startedMs: number;
  /** Drivers that were told start, each as it was read before. */
  readonly told: Map<Member, DriverState>;
  answers: Answer[];
}

export async function runPlanned(notifier: Notifier, asked: PlannedRequest): Promise<Outcome> {
  const { recorder, sense, clock } = notifier.seams;
  const startedAt = clock.wallMs();
  const startedMs = clock.monotonicMs();
  notifier.beginLook();
  readable(sense());
  const can = await asked.operation.reachable?.(asked.toBytes);
  const request = { ...asked, toBytes: can?.toBytes ?? asked.toBytes };
  const memory = readable(sense());
  const expected = request.operation.read();
  const lower = expected === 'max' || request.toBytes < expected;
  const look = await survey(notifier.seams, { repair: false, ownLimitBytes: request.toBytes });
  const change: Change = {
    changeId: recorder.nextChangeId(),
    kind: lower ? 'shrink' : 'grow',
    origin: 'planned',
    fromBytes: memory.usableBytes,
    toBytes: usableWith(memory, request.toBytes),
    cause: request.cause,
  };
  const running: Running = {
    notifier,
    request,
    askedBytes: asked.toBytes,
    note: can?.note ?? null,
    change,
    expected,
    ownBefore: memory.levels[0]?.limitBytes ?? null,
    startedAt,
    startedMs,
    told: new Map(),
    answers: [],
  };
  const ended = endedAtOnce(running, look);
  // Not on disk, not begun (E2): this rejects before anyone is told.
  await recorder.intent({ change, startedAt, drivers: lower && !ended ? intentsOf(look) : [] });
  if (ended) return end(running, { look, ...ended });
  notifier.enter('starting', change, 'start');
  try {
    if (lower) await start(running, look);
  } catch (error) {
    return fail(running, messageOf(error));
  }
  return operate(running);
}

async function operate(running: Running): Promise<Outcome> {
  const { notifier, request, askedBytes, expected, change } = running;
  const { operation, toBytes } = request;
  notifier.enter('operating', change);
  try {
    const { note } = await operation.operate(toBytes, {
      askedBytes,
      expectBytes: expected,
      headroomBytes: headroomBytes(toBytes, notifier.seams.cpus),
      deadlineMs: operation.deadlineMs ?? OPERATION_DEADLINE_MS,
      signal: notifier.closing,
    });
    running.note = said(running.note, note);
  } catch (error) {
    return happened(running) ? complete(running, messageOf(error)) : fail(running, messageOf(error));
  }
  return complete(running, null);
}

/** One sentence after the other; `null`: there is nothing to say. */
function said(...notes: readonly (string | null | undefined)[]): string | null {
  return notes.filter((note) => note != null).join('; ') || null;
}

/**
 * A change that nobody need be told of, or that cannot be: floors over room are refused before anyone is
 * told.
 */
function endedAtOnce(
  { request, expected, change, note }: Running,
  look: Survey,
): Pick<Conclusion, 'result' | 'reason'> | null {
  const size = formatBytes(request.toBytes);
  if (expected === request.toBytes)
    return { result: 'done', reason: said(`${request.operation.name} is ${size} already`, note) };
  if (change.kind === 'grow' || look.plan.shortBytes === 0) return null;
  return { result: 'refused', reason: floorsDoNotFit(look) };
}

/** While a reading that decides is missing, no planned change begins (S2). */
function readable(memory: PhysicalMemory): PhysicalMemory & { usableBytes: number } {
  if (memory.gone) throw new HotaddError('HOTADD_GONE', 'the partition is gone', { place: memory.partition });
  const [stale] = memory.stale;
  const { usableBytes } = memory;
  if (stale === undefined && usableBytes !== null) return { ...memory, usableBytes };
  const problem = `cannot be read (${stale?.error ?? 'not known'})`;
  throw new HotaddError('HOTADD_UNREADABLE', `${problem}, so no planned change begins`, {
    place: stale?.reading ?? 'usable memory',
  });
}

function usableWith(memory: PhysicalMemory, ownLimitBytes: number): number {
  return memory.levels.slice(1).reduce((least, { limitBytes }) => {
    return typeof limitBytes === 'number' ? Math.min(least, limitBytes) : least;
  }, ownLimitBytes);
}

/** Start of a shrink: buffers first, then proof of room; throws when it cannot be had. */
async function start(running: Running, look: Survey): Promise<void> {
  const { notifier, change } = running;
  const round = notifier.beginRound(change.changeId, 'start');
  const watch = watchRoom(running, round);
  try {
    await tellStart(running, look, round);
    await askOthers(running, round);
    watch.answered();
    await watch.proven;
  } finally {
    watch.stop();
  }
}

/**
 * A refusal, a throw or a timeout only means that this driver stays where it is: one more plan asks the
 * others. What drivers may come to take must fit as well as what they hold now, or they are killed later.
 */
async function askOthers(running: Running, round: Round): Promise<void> {
  const { notifier, change, request, startedAt } = running;
  for (let asked = false; !round.overtaken; asked = true) {
    const unmoved = new Set(running.answers.filter(isElsewhere).map(({ driver }) => driver));
    if (unmoved.size === 0) return;
    const again = await survey(notifier.seams, { repair: false, ownLimitBytes: request.toBytes, unmoved });
    const missing = again.plan.budgets.some(({ move }) => move === 'shrink');
    if (again.plan.shortBytes > 0 || (asked && missing)) throw costsDoNotFit(running, again);
    if (asked) return;
    await notifier.seams.recorder.intent({ change, startedAt, drivers: intentsOf(again) });
    await tellStart(running, again, round);
  }
}

async function tellStart(running: Running, look: Survey, round: Round): Promise<void> {
  if (round.overtaken) return;
  for (const [index, budget] of look.plan.budgets.entries()) {
    const reading = look.readings[index];
    if (budget.move !== 'shrink' || !reading?.state || running.told.has(reading.member)) continue;
    running.told.set(reading.member, reading.state);
  }
  addAnswers(running, await running.notifier.pass(look, round, true));
}

/** Whether an operation that rejects has happened all the same; any other limit is somebody else's. */
function happened(running: Running): boolean {
  return shortOf(running) === null;
}

async function complete(running: Running, reason: string | null): Promise<Outcome> {
  const { notifier, change } = running;
  notifier.enter('completing', change, 'complete');
  notifier.beginLook();
  // Our own operation is no newer fact.
  notifier.planFor(notifier.seams.sense());
  await tellEnding(running, 'complete');
  // Those that did not follow in the start stay as they are: the next pass is the retry (E10).
  const look = await survey(notifier.seams, { repair: false, unmoved: unproven(running) });
  noteMissed(look, true);
  const round = notifier.beginRound(change.changeId, 'complete');
  const unwritten = await writeIntent(running, look);
  if (unwritten === null) addAnswers(running, await notifier.pass(look, round));
  const short = reason ?? unwritten ?? shortOf(running);
  const result = short === null ? resultOf(running.answers, round.overtaken) : 'partly';
  const ended = await survey(notifier.seams, { repair: false });
  return end(running, { result, look: ended, reason: said(short, running.note) });
}

/** Before anyone is resized the history has it (E2); `null` when it has, else why nobody is. */
async function writeIntent(running: Running, look: Survey): Promise<string | null> {
  const drivers = intentsOf(look);
  if (drivers.length === 0) return null;
  const { change, startedAt, notifier } = running;
  return notifier.seams.recorder.intent({ change, startedAt, drivers }).then(() => null, messageOf);
}

/** The operation may have succeeded in part: what it reached is read, not believed. */
function shortOf({ request: { operation, toBytes }, askedBytes }: Running): string | null {
  try {
    const reached = operation.read();
    const enough = reached !== 'max' && reached > toBytes - PAGE_MOST_BYTES;
    if (enough && reached < askedBytes + PAGE_MOST_BYTES) return null;
    return `${operation.name} reached ${reached === 'max' ? 'max' : formatBytes(reached)}`;
  } catch (error) {
    return `what ${operation.name} reached cannot be read: ${messageOf(error)}`;
  }
}

function unproven({ answers }: Running): Set<string> {
  return new Set(answers.filter(({ proven }) => !proven).map(({ driver }) => driver));
}

function addAnswers(running: Running, answers: readonly Answer[]): void {
  const earlier = new Map(running.answers.map((answer) => [answer.driver, answer]));
  for (const answer of answers)
    earlier.set(answer.driver, { ...answer, ...before(earlier.get(answer.driver)) });
  running.answers = [...earlier.values()];
}

/** What was asked twice in one change has moved from where it stood at first. */
function before(first: Answer | undefined): Partial<Answer> {
  if (first === undefined) return {};
  const { costBeforeBytes, settingsBefore } = first;
  return { costBeforeBytes, settingsBefore };
}

async function fail(running: Running, reason: string): Promise<Outcome> {
  const { notifier, change } = running;
  notifier.enter('failing', change, 'failure');
  const round = notifier.beginRound(change.changeId, 'failure');
  const handedBack = await handBack(running, round);
  await tellEnding(running, 'failure');
  const look = await survey(notifier.seams, { repair: false }).catch(() => null);
  return end(running, { result: 'failed', look, reason, handedBack });
}

/** A driver that was told start is told how it ended, exactly once. */
async function tellEnding(running: Running, phase: 'complete' | 'failure'): Promise<void> {
  const { changeId } = running.change;
  const told = [...running.told.keys()].filter((member) => isRegistered(running, member));
  await Promise.all(told.map(({ shell }) => shell.end({ changeId, phase })));
}

function end(
  running: Running,
  parts: Pick<Conclusion, 'result' | 'look' | 'reason'> & { handedBack?: Outcome['handedBack'] },
) {
  const { notifier, change, startedAt, startedMs, answers } = running;
  return notifier.conclude({ change, startedAt, startedMs, answers, handedBack: [], ...parts });
}
