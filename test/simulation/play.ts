// Plays seeds: each makes a scenario, runs it, and asks the invariants. What breaks one is told with its
// seed.
import { INVARIANTS } from './invariants.ts';
import { runScenario } from './run.ts';
import { makeScenario, type Scenario } from './scenario.ts';
import { addTrace, emptyTally, type Tally } from './tally.ts';

export interface Broken {
  readonly seed: number;
  readonly invariant: string;
  readonly problem: string;
}

export interface Played {
  readonly seeds: number;
  readonly broken: readonly Broken[];
  readonly tally: Tally;
}

/**
 * The first broken invariant of a scenario; `null`: all hold.
 * @param only asks for this one alone.
 */
export async function playScenario(scenario: Scenario, tally?: Tally, only?: string): Promise<Broken | null> {
  try {
    const trace = await runScenario(scenario);
    if (tally !== undefined) addTrace(tally, trace);
    for (const { name, broken } of INVARIANTS) {
      const problem = only === undefined || only === name ? broken(trace) : null;
      if (problem !== null) return { seed: scenario.seed, invariant: name, problem };
    }
    return null;
  } catch (thrown) {
    return { seed: scenario.seed, invariant: 'no crash', problem: String(thrown) };
  }
}

export interface PlayOptions {
  /** How many broken ones are enough. */
  readonly most: number;
  /** Asks for this invariant alone. */
  readonly only?: string;
}

export async function playSeeds(first: number, count: number, { most, only }: PlayOptions): Promise<Played> {
  const tally = emptyTally();
  const broken: Broken[] = [];
  let seeds = 0;
  // Traces of the many errors that a world of faults makes cost more than the world.
  const { stackTraceLimit } = Error;
  Error.stackTraceLimit = 0;
  try {
    for (; seeds < count && broken.length < most; seeds += 1) {
      const found = await playScenario(makeScenario(first + seeds), tally, only);
      if (found !== null) broken.push(found);
    }
  } finally {
    Error.stackTraceLimit = stackTraceLimit;
  }
  return { seeds, broken, tally };
}
