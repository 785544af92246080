// The proof of a driver's shrink (F1): held at or below the budget, and staying so. The proof of room for a
// planned change is room-watch.ts.
import type { Clock } from './clock.ts';
import type { DriverState } from './driver.ts';
import { messageOf } from './errors.ts';
import type { Judgement } from './judge.ts';
import type { Answer } from './outcome.ts';
import type { Round } from './round.ts';

/** How long held must stay at or below the budget before a shrink is proven. */
export const HOLD_MS = 2_000;

/** What the proof of a shrink begins with, and how it is closed. */
export interface Proof {
  readonly after: DriverState;
  readonly judgement: Judgement;
  readonly round: Round;
  readonly deadlineMs: number;
  readonly close: (judgement: Judgement, after: DriverState | null, proven?: boolean) => Answer;
}

/** How the driver is looked at. */
export interface Looks {
  read(): Promise<DriverState>;
  /** Between two looks. */
  pause(): Promise<void>;
}

/** Looks until the shrink is proven, is hopeless, or nobody waits for it any more. */
export async function prove(budgetBytes: number, proof: Proof, clock: Clock, looks: Looks): Promise<Answer> {
  let { after } = proof;
  let sinceMs: number | null = null;
  for (;;) {
    if (after.heldBytes === null) {
      const note = 'what it holds cannot be told, so the shrink is not proven';
      return proof.close({ ...proof.judgement, note }, after);
    }
    const nowMs = clock.monotonicMs();
    if (after.heldBytes > budgetBytes) sinceMs = null;
    else sinceMs ??= nowMs;
    if (sinceMs !== null && nowMs - sinceMs >= HOLD_MS) return proof.close(proof.judgement, after, true);
    const hopeless = sinceMs === null && (proof.round.enough || nowMs >= proof.deadlineMs);
    if (hopeless || proof.round.overtaken) {
      return proof.close({ ...proof.judgement, note: after.why?.held ?? null }, after);
    }
    await looks.pause();
    try {
      after = await looks.read();
    } catch (error) {
      return proof.close({ verdict: 'failed', note: messageOf(error) }, null);
    }
  }
}
