// What must be true of every history, whatever was done to it: each a sentence, and how the trace is asked.
import type { Answer } from '../../src/core/outcome.ts';
import { HOLD_MS } from '../../src/core/prove.ts';
import type { Fact, Trace } from './trace.ts';

export interface Invariant {
  /** Key of the canaries. */
  readonly name: string;
  readonly sentence: string;
  /** What breaks it, in words; `null`: it holds. */
  broken(trace: Trace): string | null;
}

/** The shell looks every 100 ms, so what it saw for two seconds may have begun a look before. */
const LOOK_MS = 100;
/** Passes between the end of the faults and rest: a change under way, one for each that missed it, drift. */
const PASSES_MOST = 8;

export const INVARIANTS: readonly Invariant[] = [
  {
    name: 'ending',
    sentence:
      'Whoever is told start is told exactly once in that life how it ended; over a crash at least once.',
    broken: (trace) => {
      const started = new Map<string, Of<'asked'>>();
      for (const fact of of(trace, 'asked'))
        if (fact.phase === 'start') started.set(`${fact.driver} ${fact.changeId} ${fact.life}`, fact);
      for (const { driver, changeId, life } of started.values()) {
        const endings = of(trace, 'ended').filter(
          (fact) => fact.driver === driver && fact.changeId === changeId,
        );
        const own = endings.filter((fact) => fact.life === life).length;
        const crashed = of(trace, 'life ends').some((fact) => fact.life === life && fact.how === 'crashed');
        if (own > 1) return `${driver} is told ${own} times in one life how change ${changeId} ended`;
        if (own === 0 && !crashed) return `${driver} is not told how change ${changeId} ended`;
        if (endings.length === 0)
          return `${driver} is never told how change ${changeId}, cut off by a crash, ended`;
      }
      return null;
    },
  },
  {
    name: 'room',
    sentence: 'No growth is issued beyond the room that there is (P1).',
    broken: (trace) => {
      const fact = of(trace, 'asked').find(
        ({ grows, committedBytes, roomBytes }) => grows && committedBytes > roomBytes,
      );
      if (fact === undefined) return null;
      const over = `${fact.committedBytes - fact.roomBytes} bytes beyond room`;
      return `${fact.driver} is asked in change ${fact.changeId} to grow to ${fact.bytes}, ${over}`;
    },
  },
  {
    name: 'unregistered',
    sentence: 'Nobody who has unregistered hears anything (N12).',
    broken: (trace) => {
      const [fact] = of(trace, 'heard after unregistering');
      return fact === undefined ? null : `${fact.who} hears ${fact.what} after it has unregistered`;
    },
  },
  {
    name: 'rest',
    sentence: 'After the faults have stopped the loop comes to rest in a bounded number of passes.',
    broken: ({ ending: { passes, restless, killed } }) => {
      if (passes === null) return `it does not come to rest: ${restless}`;
      // Whoever is killed meanwhile starts again, and is set again.
      return passes > PASSES_MOST + killed ? `it takes ${passes} passes to come to rest` : null;
    },
  },
  {
    name: 'kill',
    sentence: 'A planned shrink kills nobody.',
    broken: (trace) => {
      const fact = of(trace, 'killed').find(({ byAgent }) => byAgent);
      return fact === undefined ? null : `${fact.process} is killed by what the agent writes`;
    },
  },
  {
    name: 'history',
    sentence:
      'The history says what happened: the intent before anybody is asked, the outcome as it was told.',
    broken: (trace) => withoutIntent(trace) ?? notRecorded(trace) ?? notAsTold(trace) ?? neverSettled(trace),
  },
  {
    name: 'ids',
    sentence: 'The number of a change that is on record never comes again, over restarts neither.',
    broken: (trace) => {
      // What could not be written down, since the disk failed, is on no record.
      const asked = of(trace, 'asked').filter(({ intended }) => intended === true);
      const told = of(trace, 'outcome').filter(({ recorded }) => recorded === true);
      const lives = new Map<number, number>();
      for (const { life, changeId } of [
        ...asked,
        ...told.map(({ life, outcome }) => ({ life, changeId: outcome.change.changeId })),
      ]) {
        if ((lives.get(changeId) ?? life) !== life) return `change ${changeId} comes again in life ${life}`;
        lives.set(changeId, life);
      }
      return null;
    },
  },
  {
    name: 'proof',
    sentence: 'Nothing is called proven that is not.',
    broken: (trace) => {
      for (const fact of of(trace, 'outcome')) {
        for (const answer of fact.outcome.answers) {
          const problem = answer.proven ? unproven(trace, fact, answer) : null;
          if (problem !== null) return `change ${fact.outcome.change.changeId}: ${answer.driver} ${problem}`;
        }
      }
      return null;
    },
  },
  {
    name: 'one at a time',
    sentence: 'One change at a time: no two of one life overlap.',
    broken: (trace) => {
      const outcomes = of(trace, 'outcome');
      for (const [index, { life, outcome }] of outcomes.entries()) {
        const before = outcomes[index - 1];
        if (before === undefined || before.life !== life) continue;
        if (outcome.startedAt < before.outcome.startedAt + before.outcome.tookMs)
          return `changes ${before.outcome.change.changeId} and ${outcome.change.changeId} overlap`;
      }
      return null;
    },
  },
];

type Of<Name extends Fact['fact']> = Extract<Fact, { fact: Name }>;

function of<Name extends Fact['fact']>({ facts }: Trace, name: Name): Of<Name>[] {
  return facts.filter((fact): fact is Of<Name> => fact.fact === name);
}

/** E2: not on disk, not begun; only an observed shrink goes on without, and settings that are handed back. */
function withoutIntent(trace: Trace): string | null {
  const fact = of(trace, 'asked').find(
    ({ intended, grows, bytes, phase }) =>
      bytes !== null && intended !== true && (intended === false || grows || phase !== 'arrival'),
  );
  if (fact === undefined) return null;
  return `${fact.driver} is asked in change ${fact.changeId} before the intent is on disk`;
}

function notRecorded(trace: Trace): string | null {
  const fact = of(trace, 'outcome').find(
    ({ recorded, outcome }) => recorded === false && outcome.result !== 'refused',
  );
  return fact === undefined
    ? null
    : `the outcome of change ${fact.outcome.change.changeId} is told and not on disk`;
}

function notAsTold(trace: Trace): string | null {
  const { history } = trace.ending;
  if (history === null) return 'the history cannot be read';
  const told = new Map(of(trace, 'outcome').map(({ outcome }) => [outcome.change.changeId, outcome]));
  for (const { changeId, outcome } of history) {
    const heard = told.get(changeId);
    if (typeof outcome === 'string' || heard === undefined) continue;
    if (outcome.result !== heard.result || outcome.report !== heard.report)
      return `change ${changeId} is in the history as ${outcome.result}, and was told as ${heard.result}`;
  }
  const ids = history.map(({ changeId }) => changeId);
  return ids.every((id, index) => index === 0 || id > (ids[index - 1] ?? 0))
    ? null
    : 'its changes are out of order';
}

/** E1: what a crash cut off is settled by the life after it. */
function neverSettled({ ending: { untold, passes } }: Trace): string | null {
  if (passes === null || untold.length === 0) return null;
  return `change ${untold[0]} was cut off, and nobody was told how it ended`;
}

function unproven(trace: Trace, told: Of<'outcome'>, answer: Answer): string | null {
  const { change, tookMs } = told.outcome;
  const fromMs = told.atMs - tookMs;
  const truths = trace.ending.truths.get(answer.driver);
  if (truths === undefined) return null;
  const inForce = (atMs: number) => truths.filter((truth) => truth.atMs <= atMs).at(-1);
  const ofThis = <Each extends { driver: string; changeId: number }>({ driver, changeId }: Each) =>
    driver === answer.driver && changeId === change.changeId;
  // What was asked twice in one change is told as one: the last counts.
  const asked = of(trace, 'asked')
    .filter((fact) => ofThis(fact) && fact.bytes !== null)
    .at(-1);
  if (asked === undefined || asked.grows || answer.budgetBytes >= answer.costBeforeBytes) {
    const set =
      of(trace, 'returned').filter(ofThis).at(-1)?.settings[0]?.value ?? answer.settingsAfter?.[0]?.value;
    const wasTrue = truths.some(({ atMs, limitBytes }) => atMs >= fromMs && String(limitBytes) === set);
    if (wasTrue || String(inForce(fromMs)?.limitBytes) === set) return null;
    return `is proven to be set to ${set}, and never was`;
  }
  const held = (atMs: number) => inForce(atMs)?.usedBytes ?? 0;
  // Where what it holds fell low enough, and how long that lasted.
  const begins = [
    fromMs,
    ...truths.map(({ atMs }) => atMs).filter((atMs) => atMs >= fromMs && atMs <= told.atMs),
  ];
  const lasts = begins.some((beginMs) => {
    const endMs = beginMs + HOLD_MS - LOOK_MS;
    if (endMs > told.atMs || held(beginMs) > answer.budgetBytes) return false;
    return truths.every(
      ({ atMs, usedBytes }) => atMs <= beginMs || atMs > endMs || usedBytes <= answer.budgetBytes,
    );
  });
  return lasts ? null : `is proven to hold at most ${answer.budgetBytes}, and did not for ${HOLD_MS} ms`;
}
