// What a run has met: a run without shrinks, refusals, partial ends, crashes and interrupted intents proves
// nothing.
import type { Fact, Trace } from './trace.ts';

export const MET = [
  'growths',
  'shrinks',
  'planned shrinks done',
  'refused changes',
  'failed changes',
  'settings handed back',
  'refusals of drivers',
  'partial ends',
  'stuck drivers',
  'crashes',
  'interrupted intents',
  'kills by the kernel',
] as const;
export type Met = (typeof MET)[number];
export type Tally = Record<Met, number>;

export function emptyTally(): Tally {
  return Object.fromEntries(MET.map((met) => [met, 0])) as Tally;
}

export function addTrace(tally: Tally, { facts, ending }: Trace): void {
  const add = (met: Met, count = 1) => {
    tally[met] += count;
  };
  for (const fact of facts) addFact(fact, add);
  add('interrupted intents', ending.history?.filter(({ outcome }) => outcome === 'interrupted').length ?? 0);
}

function addFact(fact: Fact, add: (met: Met, count?: number) => void): void {
  if (fact.fact === 'killed') add('kills by the kernel');
  if (fact.fact === 'life ends' && fact.how === 'crashed') add('crashes');
  if (fact.fact === 'planned change refused') add('refused changes');
  if (fact.fact !== 'outcome') return;
  const { change, result, answers, handedBack } = fact.outcome;
  if (change.kind === 'grow') add('growths');
  if (change.kind === 'shrink') add('shrinks');
  if (change.kind === 'shrink' && change.origin === 'planned' && result === 'done')
    add('planned shrinks done');
  if (result === 'refused') add('refused changes');
  if (result === 'failed') add('failed changes');
  if (result === 'partly') add('partial ends');
  add('settings handed back', handedBack.length);
  add('refusals of drivers', answers.filter(({ verdict }) => verdict === 'refused').length);
  add('stuck drivers', answers.filter(({ verdict }) => verdict === 'stuck').length);
}

export function addTally(tally: Tally, other: Tally): void {
  for (const met of MET) tally[met] += other[met];
}

/** What the run never met. */
export function unmet(tally: Tally): Met[] {
  return MET.filter((met) => tally[met] === 0);
}
