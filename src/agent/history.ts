// The history of changes (E2, E3): what the agent was about to do, on disk before it does it, and what came
// of it. Read history-entry.ts for the lines, history-memory.ts for what they amount to, history-reading.ts
// for reading without writing, history-file.ts for how lines reach the disk. One process writes: hold the
// lock (lock.ts) before opening.
import { join } from 'node:path';
import type { Outcome } from '../core/outcome.ts';
import type { Intent, Recorder } from '../core/record.ts';
import { type Disk, diskOs } from './disk.ts';
import { type Entry, formatEntry, parseEntry } from './history-entry.ts';
import { historyError, LineFile } from './history-file.ts';
import type { DriverMemory, HistoryMemory } from './history-memory.ts';
import {
  HISTORY_FILE,
  type HistoryEntry,
  type HistoryReading,
  type Loaded,
  loadLines,
  readEntries,
} from './history-reading.ts';

/** Past this size the oldest changes are left out. */
const COMPACT_ABOVE_BYTES = 16 * 1024 * 1024;
/** What is kept then, of the newest changes: small enough that it does not happen again at once. */
const KEPT_SHARE = 0.25;
/** Outcomes that could not be written wait for the next write; more than this many are forgotten. */
const LATE_KEPT = 64;

export interface History extends HistoryReading, Recorder {
  readonly path: string;
  /** The settings as found were handed back to this driver: forget it. */
  release(driver: string): Promise<void>;
  /** The drivers of an interrupted change have been told how it ended. */
  ended(changeId: number): Promise<void>;
  /** Resolves when everything asked for before has been written or has failed. */
  close(): Promise<void>;
}

export interface HistoryOptions {
  /** The state folder; made, for the owner only, when missing. */
  readonly folder: string;
  /** Where the file is: a test hands in a disk that fails. */
  readonly disk?: Disk;
  readonly compactAboveBytes?: number;
  readonly wallMs?: () => number;
}

/**
 * Opens the history to write to it, and repairs what a crash left.
 * @throws HotaddError HOTADD_HISTORY, HOTADD_UNSAFE_FILE.
 */
export async function openHistory(options: HistoryOptions): Promise<History> {
  const file = await LineFile.open(join(options.folder, HISTORY_FILE), options.disk);
  try {
    const loaded = await loadLines(file.path, (onLine) => file.readLines(onLine));
    const setAside = loaded.keepBytes < file.size ? await file.setAside(loaded.keepBytes) : null;
    return await HistoryFile.start(file, { ...loaded, setAside }, options);
  } catch (thrown) {
    await file.close();
    throw historyError(file.path, 'cannot be opened', thrown);
  }
}

class HistoryFile implements History {
  readonly path: string;
  readonly broken: HistoryReading['broken'];
  readonly setAside: HistoryReading['setAside'];
  readonly #file: LineFile;
  readonly #disk: Disk;
  readonly #memory: HistoryMemory;
  readonly #wallMs: () => number;
  readonly #compactAboveBytes: number;
  readonly #ofEarlierLife: Map<number, Intent>;
  #compactAt: number;
  #handedOutId: number;
  #queue: Promise<unknown> = Promise.resolve();
  #late: string[] = [];

  private constructor(file: LineFile, loaded: Loaded, options: HistoryOptions) {
    this.path = file.path;
    this.broken = loaded.broken;
    this.setAside = loaded.setAside;
    this.#file = file;
    this.#disk = options.disk ?? diskOs;
    this.#memory = loaded.memory;
    this.#wallMs = options.wallMs ?? Date.now;
    this.#compactAboveBytes = options.compactAboveBytes ?? COMPACT_ABOVE_BYTES;
    this.#compactAt = this.#compactAboveBytes;
    this.#ofEarlierLife = new Map(loaded.memory.open);
    this.#handedOutId = loaded.memory.lastChangeId;
  }

  static async start(file: LineFile, loaded: Loaded, options: HistoryOptions): Promise<HistoryFile> {
    const history = new HistoryFile(file, loaded, options);
    await history.#keepSmall();
    return history;
  }

  nextChangeId(): number {
    this.#handedOutId += 1;
    return this.#handedOutId;
  }

  intent(intent: Intent): Promise<void> {
    return this.#append({ kind: 'intent', intent });
  }

  outcome(outcome: Outcome): Promise<void> {
    return this.#append({ kind: 'outcome', outcome });
  }

  async ended(changeId: number): Promise<void> {
    await this.#append({ kind: 'ended', changeId, at: this.#wallMs() });
    this.#ofEarlierLife.delete(changeId);
  }

  release(driver: string): Promise<void> {
    return this.#append({ kind: 'release', driver, at: this.#wallMs() });
  }

  driver(name: string): DriverMemory | null {
    return this.#memory.driver(name);
  }

  interrupted(): Intent[] {
    return [...this.#ofEarlierLife.values()];
  }

  entries(choice: { limit?: number; driver?: string } = {}): Promise<HistoryEntry[]> {
    const isRunning = (id: number) => this.#memory.open.has(id) && !this.#ofEarlierLife.has(id);
    return readEntries({ disk: this.#disk, path: this.path, size: this.#file.size }, choice, isRunning);
  }

  async close(): Promise<void> {
    const closed = this.#queue.then(async () => {
      if (this.#late.length) await this.#file.append(this.#late).catch(() => {});
      await this.#file.close();
    });
    this.#queue = closed.catch(() => {});
    await closed;
  }

  #append(entry: Entry): Promise<void> {
    const line = formatEntry(entry);
    const written = this.#queue.then(async () => {
      try {
        await this.#file.append([...this.#late, line]);
        this.#late = [];
      } catch (thrown) {
        if (entry.kind === 'outcome') this.#keepLate(line, entry);
        throw thrown;
      }
      this.#memory.learn(entry);
      if (entry.kind === 'outcome') this.#ofEarlierLife.delete(entry.outcome.change.changeId);
      await this.#keepSmall();
    });
    this.#queue = written.catch(() => {});
    return written;
  }

  // It happened, whether or not the disk took it: without it our own settings would look like somebody
  // else's.
  #keepLate(line: string, entry: Entry): void {
    this.#memory.learn(entry);
    this.#late = [...this.#late, line].slice(-LATE_KEPT);
  }

  async #keepSmall(): Promise<void> {
    if (this.#file.size <= this.#compactAt) return;
    // A disk too full to make the file smaller is no reason to fail: what was asked for has been written.
    await this.#compact().catch(() => {});
    this.#compactAt = Math.max(this.#compactAboveBytes, this.#file.size * 2);
  }

  /** The newest changes stay as they are; of all that was before stays what it amounts to. */
  async #compact(): Promise<void> {
    const bytesOf = new Map<number, number>();
    await this.#file.readLines((line) => {
      const id = changeIdOf(parseEntry(line));
      if (id !== null) bytesOf.set(id, (bytesOf.get(id) ?? 0) + line.length);
    });
    const changes = newestWithin(bytesOf, this.#compactAboveBytes * KEPT_SHARE);
    for (const id of this.#memory.open.keys()) changes.add(id);
    const kept: string[] = [];
    await this.#file.readLines((line) => {
      const entry = parseEntry(line);
      const id = changeIdOf(entry);
      const isOld = id === null ? entry.kind === 'release' && kept.length === 0 : !changes.has(id);
      if (entry.kind !== 'compacted' && !isOld) kept.push(line);
    });
    const { lastChangeId } = this.#memory;
    const drivers = this.#memory.records();
    kept.push(formatEntry({ kind: 'compacted', at: this.#wallMs(), lastChangeId, drivers }));
    await this.#file.replace(kept);
  }
}

function changeIdOf(entry: ReturnType<typeof parseEntry>): number | null {
  if (entry.kind === 'intent') return entry.intent.change.changeId;
  if (entry.kind === 'outcome') return entry.outcome.change.changeId;
  return entry.kind === 'ended' ? entry.changeId : null;
}

/** The last change always, and those before it while they fit. */
function newestWithin(bytesOf: ReadonlyMap<number, number>, limitBytes: number): Set<number> {
  const newest = new Set<number>();
  let bytes = 0;
  for (const [id, ofChange] of [...bytesOf].sort(([one], [other]) => other - one)) {
    bytes += ofChange;
    if (newest.size > 0 && bytes > limitBytes) break;
    newest.add(id);
  }
  return newest;
}
