// What came of a change: one answer for each driver that was told, and the outcome of the whole. The words
// are the shell's judgement of what it read back, never a driver's own (D1).
import type { Change } from './change.ts';
import type { Setting } from './driver.ts';

/**
 * - `resized`: settings read back as asked.
 * - `partial`: it moved, but less far than asked.
 * - `deferred`: it takes effect only after a restart.
 * - `refused`: the driver's own word, with its floor.
 * - `failed`: it threw, did nothing, or reads back something else.
 * - `stuck`: it ignored its deadline; nothing more is sent until it returns (D2).
 */
export type Verdict = 'resized' | 'partial' | 'deferred' | 'refused' | 'failed' | 'stuck';

export interface Answer {
  readonly driver: string;
  readonly verdict: Verdict;
  /** Grow: settings read back as asked. Shrink: and held is at or below the budget, and stayed so (F1). */
  readonly proven: boolean;
  readonly budgetBytes: number;
  readonly costBeforeBytes: number;
  /** `null`: could not be read afterwards. */
  readonly costAfterBytes: number | null;
  readonly heldAfterBytes: number | null;
  readonly settingsBefore: readonly Setting[];
  readonly settingsAfter: readonly Setting[] | null;
  readonly instance: string;
  /** What was refused, threw, or holds the memory, and what would help. */
  readonly note: string | null;
  readonly tookMs: number;
}

/** Memory that nobody will use, and why (section 1: unclaimed). */
export interface Unclaimed {
  readonly bytes: number;
  readonly reasons: readonly string[];
}

export interface Outcome {
  readonly change: Change;
  /** `refused`: nobody was told anything. `failed`: memory is as before and settings were handed back. */
  readonly result: 'done' | 'partly' | 'failed' | 'refused';
  /** Usable memory as read again at the end; `null`: could not be read. */
  readonly usableBytes: number | null;
  readonly answers: readonly Answer[];
  /** Drivers that were given their settings back, with whether they read back as before (F3). */
  readonly handedBack: readonly { driver: string; asBefore: boolean; note: string | null }[];
  readonly unclaimed: Unclaimed;
  readonly reason: string | null;
  /** Wall time, for people. */
  readonly startedAt: number;
  readonly tookMs: number;
  /** The report line (F4). */
  readonly report: string;
}

/** Done is done whole: every driver resized, every resize proven, nothing overtaken. */
export function resultOf(answers: readonly Answer[], overtaken: boolean): Outcome['result'] {
  const whole = answers.every(({ verdict, proven }) => verdict === 'resized' && proven);
  return whole && !overtaken ? 'done' : 'partly';
}
