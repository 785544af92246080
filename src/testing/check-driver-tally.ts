// What a run of driver checks has been through, and the check at its end: a run without a shrink, a refusal,
// a partial end, a crash and an interrupted intent has proven nothing about them, however green it is.
import { HotaddError } from '../core/errors.ts';
import { RETURN } from './check-driver-trial.ts';

/** How often a run met each. */
export interface DriverTally {
  /** Changes to less memory that the driver answered by moving, or by a setting that waits for a restart. */
  shrinks: number;
  /** Sizes that were refused: by the driver, or for its neighbour's sake. */
  refusals: number;
  /** Planned changes whose operation got only a part of the way. */
  partialEnds: number;
  /** Drivers abandoned in the middle of a resize. */
  crashes: number;
  /** Changes that were begun, and whose end nobody wrote down. */
  interruptedIntents: number;
  /** Reads that told of memory that is held, or that it cannot be told. */
  holds: number;
}

type Kind = keyof DriverTally;

interface Wanted {
  readonly noun: string;
  /** The check that brings it about. */
  readonly from: string;
  readonly why: string;
  /** What to do when that check has passed. Default: `DO_OR_THROW`. */
  readonly mend?: string;
}

export const TALLY_TITLE =
  'was shrunk, refused, ended in part, crashed, interrupted and seen to hold memory in this run';
const DO_OR_THROW = 'let resize() do what it is asked, or throw';
const RUN_ALL = 'run the whole list, in one process';

export const MAKES: Readonly<Record<Kind, string>> = {
  shrinks: 'follows memory that comes and goes',
  refusals: 'is asked for nothing when a change is refused',
  partialEnds: 'follows an operation that gets half of the way',
  crashes: 'is put right after a crash in the middle of a resize',
  interruptedIntents: 'is put right after a change whose end was never written down',
  holds: 'resizes while it is in use',
};

const WANTED: Readonly<Record<Kind, Wanted>> = {
  shrinks: {
    noun: 'shrink',
    from: MAKES.shrinks,
    why: 'software that does not give memory back in time is killed',
  },
  refusals: {
    noun: 'refusal',
    from: MAKES.refusals,
    why: 'only a refusal shows that nothing is touched by a change that cannot be',
  },
  partialEnds: {
    noun: 'partial end',
    from: MAKES.partialEnds,
    why: 'memory often goes only a part of the way, and the driver has to follow what is',
  },
  crashes: {
    noun: 'crash',
    from: MAKES.crashes,
    why: 'the planner can die at any moment, and the next one finds what it left',
  },
  interruptedIntents: {
    noun: 'interrupted intent',
    from: MAKES.interruptedIntents,
    why: 'what was begun and not ended has to be put right by whoever comes next',
  },
  holds: {
    noun: 'memory that was held',
    from: MAKES.holds,
    why: 'heldBytes was 0 at each read, and a driver that always tells 0 proves every shrink',
    mend: 'fill its software in makeDriver or use(), and tell what it holds; null where that cannot be told',
  },
};

export class CheckRun {
  readonly tally: DriverTally = {
    shrinks: 0,
    refusals: 0,
    partialEnds: 0,
    crashes: 0,
    interruptedIntents: 0,
    holds: 0,
  };
  /** The driver's, once it is known. */
  place = 'checkDriver';
  /** A call that never returned: what is asked of this driver after it would wait as long, each time. */
  hung: string | null = null;
  readonly #ends = new Map<string, 'passed' | 'failed'>();
  #turn: Promise<unknown> = Promise.resolve();

  /** One check at a time, also where a runner begins them together: they share the software under test. */
  begin(title: string, work: () => Promise<void>): Promise<void> {
    const run = this.#turn.then(work);
    this.#turn = run.then(
      () => this.#ends.set(title, 'passed'),
      () => this.#ends.set(title, 'failed'),
    );
    return run;
  }

  /** After all checks that were begun. Rejects with what the run did not meet. */
  async end(): Promise<void> {
    await this.#turn;
    if (this.#ends.size === 0) {
      const problem = 'no other check of the list has run, so nothing is known of this driver';
      throw this.#bad(problem, `take away what filters the list, and ${RUN_ALL}`);
    }
    const kinds = (Object.keys(WANTED) as Kind[]).filter((kind) => this.tally[kind] === 0);
    if (kinds.length === 0) return;
    const missing = kinds.map((kind) => `no ${WANTED[kind].noun} (${WANTED[kind].why})`);
    throw this.#bad(`this run had ${missing.join(', ')}`, kinds.map((kind) => this.#mend(kind)).join('; '));
  }

  /** Of a check after a call that never returned. */
  notTried(): HotaddError {
    return this.#bad(`not tried, since an earlier ${this.hung}`, RETURN);
  }

  #mend(kind: Kind): string {
    const { from } = WANTED[kind];
    const end = this.#ends.get(from);
    if (end === undefined) return `"${from}" did not run: ${RUN_ALL}`;
    if (end === 'failed') return `"${from}" failed: mend that first`;
    return `"${from}" passed and nothing came of it: ${WANTED[kind].mend ?? DO_OR_THROW}`;
  }

  #bad(problem: string, mend: string): HotaddError {
    return new HotaddError('HOTADD_BAD_DRIVER', problem, { place: this.place, mend });
  }
}
