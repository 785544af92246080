// One round of calls to drivers: what the calls share, and the two ways to end its waiting. Shells look at
// the flags whenever they look at their driver; a flag costs nothing where 100,000 listeners on one signal
// would.
import type { Phase } from './change.ts';

export class Round {
  readonly changeId: number;
  readonly phase: Phase;
  /** A newer fact has overtaken the round: nothing is waited for any more. */
  overtaken = false;
  /** Nothing more is gained by waiting for proof. */
  enough = false;

  constructor(changeId: number, phase: Phase) {
    this.changeId = changeId;
    this.phase = phase;
  }
}
