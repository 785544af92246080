// How a change ends: what is known of it then, made into the outcome that is recorded and told.
import type { Change } from './change.ts';
import type { Answer, Outcome } from './outcome.ts';
import { reportLine } from './report.ts';
import { type Survey, unclaimedOf } from './survey.ts';

export interface Conclusion {
  readonly change: Change;
  readonly result: Outcome['result'];
  readonly answers: readonly Answer[];
  readonly handedBack: Outcome['handedBack'];
  /** The last look; `null`: there could be none. */
  readonly look: Survey | null;
  readonly reason: string | null;
  readonly startedAt: number;
  readonly startedMs: number;
  /** False: nothing was sent to any driver. */
  readonly applied?: boolean;
}

export function outcomeOf(parts: Conclusion, nowMs: number): Outcome {
  const { change, result, answers, handedBack, look, reason, startedAt, startedMs, applied = true } = parts;
  const unclaimed = look === null ? { bytes: 0, reasons: [] } : unclaimedOf(look);
  return {
    change,
    result,
    usableBytes: look?.memory.usableBytes ?? null,
    answers,
    handedBack,
    unclaimed,
    reason,
    startedAt,
    tookMs: nowMs - startedMs,
    report: reportLine({ ...parts, unclaimed, survey: look, applied }),
  };
}
