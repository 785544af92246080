// The shell's judgement: what was asked, what reads back, how far the driver moved. A driver's own word
// counts for nothing here (D1). Pure.
import { formatBytes } from './bytes.ts';
import type { DriverState, Setting } from './driver.ts';
import type { Verdict } from './outcome.ts';

export interface Judgement {
  readonly verdict: Verdict;
  readonly note: string | null;
}

const AGREE: Judgement = { verdict: 'resized', note: null };
/**
 * A growth that ends this close below its budget is whole: budgets are rounded down to the driver's own unit.
 */
const WHOLE_WITHIN = 0.02;

export function judge(
  before: DriverState,
  asked: readonly Setting[],
  after: DriverState,
  budgetBytes: number,
): Judgement {
  const differing = asked.filter((setting) => !readsBack(setting, after.settings));
  const waiting = asked.filter((setting) => waitsForRestart(setting, after.settings));
  const moved = judgeMove(before, after, budgetBytes);
  if (differing.length === 0) return waiting.length > 0 ? deferred(waiting) : moved;
  const note = join(
    differing.map((setting) => mismatch(setting, after.settings)),
    after.why?.held,
  );
  const nearer = Math.abs(after.costBytes - budgetBytes) < Math.abs(before.costBytes - budgetBytes);
  return { verdict: nearer ? 'partial' : 'failed', note };
}

function judgeMove(before: DriverState, after: DriverState, budgetBytes: number): Judgement {
  const cost = after.costBytes;
  if (budgetBytes < before.costBytes) {
    if (cost <= budgetBytes) return AGREE;
    const note = `may still take ${formatBytes(cost)} where ${formatBytes(budgetBytes)} was asked`;
    return { verdict: cost < before.costBytes ? 'partial' : 'failed', note };
  }
  if (cost > budgetBytes) {
    const note = `may take ${formatBytes(cost)}, more than its budget of ${formatBytes(budgetBytes)}`;
    return { verdict: 'failed', note };
  }
  const whole = budgetBytes - Math.max(after.stepBytes, budgetBytes * WHOLE_WITHIN);
  if (cost >= whole) return AGREE;
  const note = `may take ${formatBytes(cost)} where ${formatBytes(budgetBytes)} was asked`;
  return { verdict: cost > before.costBytes ? 'partial' : 'failed', note };
}

/** Whether settings stand as they were: what going back is compared with (F3). */
export function settingsEqual(asked: readonly Setting[], readBack: readonly Setting[]): boolean {
  return asked.every((setting) => {
    const found = readBack.find(({ name }) => name === setting.name);
    return found !== undefined && found.value === setting.value && found.pending === setting.pending;
  });
}

/** For people: how a setting differs from what it was (F3). */
export function notSetBack({ name, value, pending }: Setting, readBack: readonly Setting[]): string {
  const found = readBack.find((setting) => setting.name === name);
  const was = `${name} was ${value ?? 'unset'} and could not be set back`;
  if (found?.value !== value) return was;
  return `${was} whole: ${found?.pending ?? 'nothing'} waits for a restart, not ${pending ?? 'nothing'}`;
}

function readsBack(asked: Setting, settings: readonly Setting[]): boolean {
  const found = settings.find(({ name }) => name === asked.name);
  return found !== undefined && (found.value === asked.value || waitsFor(asked, found));
}

function waitsForRestart(asked: Setting, settings: readonly Setting[]): boolean {
  const found = settings.find(({ name }) => name === asked.name);
  return found !== undefined && waitsFor(asked, found) && found.value !== (asked.pending ?? asked.value);
}

/** The value asked for is written and waits for a restart. */
function waitsFor(asked: Setting, found: Setting): boolean {
  return found.pending !== undefined && found.pending === (asked.pending ?? asked.value);
}

function deferred(waiting: readonly Setting[]): Judgement {
  const names = waiting.map(({ name }) => name).join(', ');
  return { verdict: 'deferred', note: `${names} takes effect after a restart` };
}

function mismatch(asked: Setting, settings: readonly Setting[]): string {
  const found = settings.find(({ name }) => name === asked.name);
  return `asked ${asked.name}=${asked.value}, reads back ${found === undefined ? 'nothing' : found.value}`;
}

function join(notes: readonly string[], held: string | undefined): string {
  return [...notes, ...(held === undefined ? [] : [held])].join('; ');
}
