// Reading the history: the whole file once, for what it amounts to, and backwards for the newest changes.
// Nothing here writes, so a person can look while the agent runs; history.ts is the writer.
import { constants } from 'node:fs';
import { join } from 'node:path';
import { codeOf, HotaddError } from '../core/errors.ts';
import type { Outcome } from '../core/outcome.ts';
import type { DriverIntent, Intent } from '../core/record.ts';
import { type Disk, diskOs } from './disk.ts';
import { idInBroken, NewerVersion, parseEntry } from './history-entry.ts';
import { historyError, type OnLine, readBackwards, scanLines } from './history-file.ts';
import { type DriverMemory, HistoryMemory } from './history-memory.ts';
import { checkSafe } from './safe-file.ts';

export const HISTORY_FILE = 'history.ndjson';

/** One change as people read it. */
export interface HistoryEntry {
  readonly intent: Intent;
  /**
   * `interrupted`: it was begun, and nothing says how it ended. `running`: this process carries it out now.
   */
  readonly outcome: Outcome | 'interrupted' | 'running';
}

export interface HistoryReading {
  /** What is remembered of a driver; `null` when hotadd never wrote to it, or it was released. */
  driver(name: string): DriverMemory | null;
  /** Changes, newest first; all of them without a limit. */
  entries(choice?: { limit?: number; driver?: string }): Promise<HistoryEntry[]>;
  /** Intents of an earlier life whose drivers have not yet been told how the change ended, oldest first. */
  interrupted(): Intent[];
  /** Lines that cannot be read. They are skipped, and kept as they are. */
  readonly broken: readonly { line: number; problem: string }[];
  /** A torn last line found at opening; `file` is where it was put, or `null` when only reading. */
  readonly setAside: { readonly bytes: number; readonly file: string | null } | null;
}

/**
 * Reads the history and changes nothing; safe while an agent writes to it. A folder without one reads as
 * empty.
 * @throws HotaddError HOTADD_HISTORY.
 */
export async function readHistory(folder: string, disk: Disk = diskOs): Promise<HistoryReading> {
  const path = join(folder, HISTORY_FILE);
  try {
    const handle = await disk.open(path, constants.O_RDONLY);
    try {
      const standing = await handle.stat();
      checkSafe(path, standing);
      const { size } = standing;
      const loaded = await loadLines(path, (onLine) => scanLines(handle, size, onLine));
      const torn = size - loaded.keepBytes;
      return reading(disk, path, size, { ...loaded, setAside: torn ? { bytes: torn, file: null } : null });
    } finally {
      await handle.close();
    }
  } catch (thrown) {
    if (codeOf(thrown) !== 'ENOENT') throw historyError(path, 'cannot be read', thrown);
    const nothing = { memory: new HistoryMemory(), broken: [], setAside: null };
    return reading(disk, path, 0, nothing);
  }
}

export type Loaded = Pick<HistoryReading, 'broken' | 'setAside'> & { memory: HistoryMemory };

function reading(
  disk: Disk,
  path: string,
  size: number,
  { memory, broken, setAside }: Loaded,
): HistoryReading {
  return {
    driver: (name) => memory.driver(name),
    entries: (choice) => readEntries({ disk, path, size }, choice ?? {}, () => false),
    interrupted: () => [...memory.open.values()],
    broken,
    setAside,
  };
}

type Scan = (onLine: OnLine) => Promise<{ torn: Uint8Array }>;

export async function loadLines(path: string, scan: Scan) {
  const memory = new HistoryMemory();
  const broken: { line: number; problem: string }[] = [];
  const wholeUpTo = { bytes: 0, broken: 0 };
  const { torn } = await scan((line, number, endBytes) => {
    const entry = parseOrThrow(path, line, number);
    if (entry.kind === 'broken') {
      memory.lastChangeId = Math.max(memory.lastChangeId, idInBroken(line));
      broken.push({ line: number, problem: entry.problem });
      return;
    }
    wholeUpTo.bytes = endBytes;
    wholeUpTo.broken = broken.length;
    if (entry.kind !== 'unknown') memory.learn(entry);
  });
  memory.lastChangeId = Math.max(memory.lastChangeId, idInBroken(Buffer.from(torn).toString('utf8')));
  // Broken lines with nothing whole after them are what a crash leaves: they are the torn end.
  return { memory, broken: broken.slice(0, wholeUpTo.broken), keepBytes: wholeUpTo.bytes };
}

function parseOrThrow(path: string, line: string, number: number) {
  try {
    return parseEntry(line);
  } catch (thrown) {
    if (!(thrown instanceof NewerVersion)) throw thrown;
    const mend = 'run that version, or move the file away';
    throw new HotaddError('HOTADD_HISTORY', thrown.message, { place: `${path}:${number}`, mend });
  }
}

export async function readEntries(
  { disk, path, size }: { disk: Disk; path: string; size: number },
  { limit = Number.POSITIVE_INFINITY, driver }: { limit?: number; driver?: string },
  isRunning: (changeId: number) => boolean,
): Promise<HistoryEntry[]> {
  const found = new Map<number, HistoryEntry>();
  const outcomes = new Map<number, Outcome>();
  if (size === 0) return [];
  const handle = await disk.open(path, constants.O_RDONLY).catch((thrown: unknown) => {
    throw historyError(path, 'cannot be read', thrown);
  });
  try {
    // The file may have been made smaller since.
    const endBytes = Math.min(size, (await handle.stat()).size);
    for await (const line of readBackwards(handle, endBytes)) {
      const entry = parseEntry(line);
      if (entry.kind === 'outcome') outcomes.set(entry.outcome.change.changeId, entry.outcome);
      if (entry.kind !== 'intent') continue;
      const { changeId } = entry.intent.change;
      const later = found.get(changeId);
      if (!later && found.size >= limit) break;
      // A second plan within one change has an intent of its own; the first one leads.
      const drivers = [...entry.intent.drivers, ...(later?.intent.drivers ?? [])];
      const intent = { ...entry.intent, drivers: firstOfEachName(drivers) };
      const outcome = outcomes.get(changeId) ?? (isRunning(changeId) ? 'running' : 'interrupted');
      if (driver === undefined || concerns(driver, intent, outcome)) found.set(changeId, { intent, outcome });
    }
  } finally {
    await handle.close();
  }
  return [...found.values()];
}

function firstOfEachName(drivers: readonly DriverIntent[]): DriverIntent[] {
  const byName = new Map<string, DriverIntent>();
  for (const each of drivers) if (!byName.has(each.driver)) byName.set(each.driver, each);
  return [...byName.values()];
}

function concerns(driver: string, intent: Intent, outcome: HistoryEntry['outcome']): boolean {
  if (intent.drivers.some((each) => each.driver === driver)) return true;
  return typeof outcome === 'object' && outcome.answers.some((each) => each.driver === driver);
}
