// The seam for history: the notifier says what it is about to do, and afterwards what came of it. The agent's
// twin writes files (agent/history.ts); the library's keeps nothing.
import type { Change } from './change.ts';
import type { Setting } from './driver.ts';
import type { Outcome } from './outcome.ts';
import type { Survey } from './survey.ts';

/** What a driver was like before a change, and what it is about to be asked. */
export interface DriverIntent {
  readonly driver: string;
  readonly budgetBytes: number;
  readonly settings: readonly Setting[];
  readonly instance: string;
}

export interface Intent {
  readonly change: Change;
  readonly startedAt: number;
  readonly drivers: readonly DriverIntent[];
}

export interface Recorder {
  /** Resolves when it is on disk (E2). Rejects with HOTADD_HISTORY when it cannot be written. */
  intent(intent: Intent): Promise<void>;
  outcome(outcome: Outcome): Promise<void>;
  /** The next changeId; rises over restarts. */
  nextChangeId(): number;
}

/** What is about to be asked of whom, and how each was before. */
export function intentsOf({ plan, readings }: Survey): DriverIntent[] {
  return plan.budgets.flatMap(({ driver, move, budgetBytes }, index) => {
    const state = readings[index]?.state;
    if (move === 'keep' || !state) return [];
    return [{ driver, budgetBytes, settings: state.settings, instance: state.instance }];
  });
}
