// An answer put together from what the shell saw before and after.
import type { DriverState } from './driver.ts';
import type { Judgement } from './judge.ts';
import type { Answer } from './outcome.ts';

export interface AnswerParts {
  readonly budgetBytes: number;
  readonly before: DriverState;
  readonly after: DriverState | null;
  readonly judgement: Judgement;
  readonly proven: boolean;
  readonly tookMs: number;
}

export function answerOf(driver: string, parts: AnswerParts): Answer {
  return {
    driver,
    verdict: parts.judgement.verdict,
    proven: parts.proven,
    budgetBytes: parts.budgetBytes,
    costBeforeBytes: parts.before.costBytes,
    costAfterBytes: parts.after?.costBytes ?? null,
    heldAfterBytes: parts.after?.heldBytes ?? null,
    settingsBefore: parts.before.settings,
    settingsAfter: parts.after?.settings ?? null,
    instance: parts.after?.instance ?? parts.before.instance,
    note: parts.judgement.note,
    tookMs: parts.tookMs,
  };
}
