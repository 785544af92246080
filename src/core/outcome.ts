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

/** One driver's part of a change, judged by what was read back. */
export interface Answer {
  /** Its name. */
  readonly driver: string;
  /** What it came to. */
  readonly verdict: Verdict;
  /** Grow: settings read back as asked. Shrink: and held is at or below the budget, and stayed so (F1). */
  readonly proven: boolean;
  /** What it was asked to come to. */
  readonly budgetBytes: number;
  /** What it might take before. */
  readonly costBeforeBytes: number;
  /** What it may take now. `null`: could not be read afterwards. */
  readonly costAfterBytes: number | null;
  /** The real memory it holds now. `null`: could not be read, or cannot be told. */
  readonly heldAfterBytes: number | null;
  /** Its settings as read before: what it goes back to when the change fails. */
  readonly settingsBefore: readonly Setting[];
  /** Its settings as read afterwards. `null`: could not be read. */
  readonly settingsAfter: readonly Setting[] | null;
  /** Which run of the server answered. */
  readonly instance: string;
  /** What was refused, threw, or holds the memory, and what would help. */
  readonly note: string | null;
  /** Milliseconds from the call until it was proven, or given up. */
  readonly tookMs: number;
}

/** Memory that nobody will use, and why. */
export interface Unclaimed {
  /** How much of the room is left when all drivers take what they cost. */
  readonly bytes: number;
  /** Why nobody takes it, in sentences. */
  readonly reasons: readonly string[];
}

/** What came of a change. */
export interface Outcome {
  /** The change that has ended. */
  readonly change: Change;
  /** `refused`: nobody was told anything. `failed`: memory is as before and settings were handed back. */
  readonly result: 'done' | 'partly' | 'failed' | 'refused';
  /** Usable memory as read again at the end; `null`: could not be read. */
  readonly usableBytes: number | null;
  /** One for each driver that was asked to move. */
  readonly answers: readonly Answer[];
  /** Drivers that were given their settings back, with whether they read back as before (F3). */
  readonly handedBack: readonly { driver: string; asBefore: boolean; note: string | null }[];
  /** What nobody will use now. */
  readonly unclaimed: Unclaimed;
  /** Why it was not done whole, or not at all; `null`: it was. */
  readonly reason: string | null;
  /** Wall time at which it began, milliseconds since 1970. */
  readonly startedAt: number;
  /** Milliseconds it took. */
  readonly tookMs: number;
  /** All of it in one line, for people. */
  readonly report: string;
}

/** Done is done whole: every driver resized, every resize proven, nothing overtaken. */
export function resultOf(answers: readonly Answer[], overtaken: boolean): Outcome['result'] {
  const whole = answers.every(({ verdict, proven }) => verdict === 'resized' && proven);
  return whole && !overtaken ? 'done' : 'partly';
}
