// The lines of history.ndjson: what they say and how they are read. Version 1. Readers ignore keys they do
// not know and keep entries of a kind they do not know (E9); a higher version is not guessed at.
import type { Setting } from '../core/driver.ts';
import { messageOf } from '../core/errors.ts';
import type { Outcome } from '../core/outcome.ts';
import type { Intent } from '../core/record.ts';

export const HISTORY_VERSION = 1;

/** What history knows of one driver; history-memory.ts derives it. */
export interface DriverRecord {
  readonly driver: string;
  /** As found before our first write; `null` until something was written. */
  readonly foundSettings: readonly Setting[] | null;
  readonly lastSet: { readonly settings: readonly Setting[]; readonly instance: string } | null;
  /** A write was begun and how it ended is not known. */
  readonly unsure: boolean;
  /** The change under way, with the settings before it. */
  readonly open: { readonly changeId: number; readonly settings: readonly Setting[] } | null;
}

export type Entry =
  | { readonly kind: 'intent'; readonly intent: Intent }
  | { readonly kind: 'outcome'; readonly outcome: Outcome }
  /** Drivers told `start` of an interrupted change have been told how it ended. */
  | { readonly kind: 'ended'; readonly changeId: number; readonly at: number }
  /** The settings as found were handed back: what we know of this driver is over. */
  | { readonly kind: 'release'; readonly driver: string; readonly at: number }
  /** Older entries were left out to keep the file small; this is all that was known at this point. */
  | {
      readonly kind: 'compacted';
      readonly at: number;
      readonly lastChangeId: number;
      readonly drivers: readonly DriverRecord[];
    };

/** A line that is not of this version, but of a later one. */
export class NewerVersion extends Error {}

export function formatEntry(entry: Entry): string {
  return JSON.stringify({ v: HISTORY_VERSION, ...entry });
}

/**
 * @returns the entry, `unknown` for a kind of a later hotadd, or `broken` with the reason.
 * @throws NewerVersion
 */
export function parseEntry(line: string): Entry | { kind: 'unknown' } | { kind: 'broken'; problem: string } {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch (thrown) {
    return { kind: 'broken', problem: `not JSON (${messageOf(thrown).slice(0, 80)})` };
  }
  if (!isRecord(value) || typeof value.kind !== 'string') return { kind: 'broken', problem: 'not an entry' };
  if (typeof value.v === 'number' && value.v > HISTORY_VERSION) {
    throw new NewerVersion(`written by a later hotadd (v ${value.v}; this one knows v ${HISTORY_VERSION})`);
  }
  if (value.v !== HISTORY_VERSION) return { kind: 'broken', problem: 'no version' };
  const check = CHECKS[value.kind];
  if (!check) return { kind: 'unknown' };
  // Lines are written by this file only; what is checked is what a reader would stumble over.
  return check(value) ? (value as Entry) : { kind: 'broken', problem: `not a whole ${value.kind}` };
}

/** The change id in a line that cannot be read whole: an id once used is never used again. */
export function idInBroken(line: string): number {
  const id = Number(/"(?:changeId|lastChangeId)":(\d{1,15})\b/.exec(line)?.[1] ?? 0);
  return Number.isSafeInteger(id) ? id : 0;
}

type Json = Record<string, unknown>;

function isRecord(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

const isId = (value: unknown) => Number.isSafeInteger(value) && Number(value) >= 0;
const isList = (value: unknown, each: (item: Json) => boolean) =>
  Array.isArray(value) && value.every((item) => isRecord(item) && each(item));
const isSettings = (value: unknown) => isList(value, (setting) => typeof setting.name === 'string');
const isSettingsOrNull = (value: unknown) => value === null || isSettings(value);

const CHECKS: Record<string, (entry: Json) => boolean> = {
  intent: ({ intent }) =>
    isRecord(intent) &&
    isRecord(intent.change) &&
    isId(intent.change.changeId) &&
    isList(intent.drivers, (item) => typeof item.driver === 'string' && isSettings(item.settings)),
  outcome: ({ outcome }) =>
    isRecord(outcome) &&
    isRecord(outcome.change) &&
    isId(outcome.change.changeId) &&
    isList(
      outcome.answers,
      (item) =>
        typeof item.driver === 'string' &&
        isSettings(item.settingsBefore) &&
        isSettingsOrNull(item.settingsAfter),
    ) &&
    isList(outcome.handedBack, (item) => typeof item.driver === 'string'),
  ended: ({ changeId }) => isId(changeId),
  release: ({ driver }) => typeof driver === 'string',
  compacted: ({ lastChangeId, drivers }) =>
    isId(lastChangeId) &&
    isList(
      drivers,
      (item) =>
        typeof item.driver === 'string' &&
        isSettingsOrNull(item.foundSettings) &&
        (item.lastSet === null || (isRecord(item.lastSet) && isSettings(item.lastSet.settings))) &&
        (item.open === null || (isRecord(item.open) && isSettings(item.open.settings))),
    ),
};
