// The entries of a cache: found, written and taken out by a hash and a key. It joins the index, the log of
// segments and the tables, which share the leases of one pool.
//
//   key -- hash --> index: a place --> segment: | head key value | head key value | ...
//                   cache-index.ts     cache-segment.ts, cache-entry.ts; which ones stay: cache-log.ts
import {
  bytesOf,
  hasKey,
  markUsed,
  type NewEntry,
  takenAt,
  valueLengthAt,
  writeEntry,
} from './cache-entry.ts';
import { CacheIndex, NO_GHOST } from './cache-index.ts';
import { CacheLog, type Reason } from './cache-log.ts';
import type { Segment } from './cache-segment.ts';
import { CacheTables } from './cache-tables.ts';
import type { Lease } from './lease.ts';

export interface CacheStoreOptions {
  readonly segmentBytes: number;
  /** A lease for a segment; `null`: none is left. */
  readonly acquire: () => Lease | null;
  readonly nowMs: () => number;
  /** Told of each value that makes room, or is found to be too old when it would have. */
  readonly onDrop: (reason: Reason) => void;
}

export class CacheStore {
  readonly #options: CacheStoreOptions;
  readonly #tables: CacheTables;
  readonly #index: CacheIndex;
  readonly #log: CacheLog;
  #valueBytes = 0;
  /** Something is recalled, and views keep all that could be emptied for it. */
  #isStuck = false;

  constructor(options: CacheStoreOptions) {
    const { segmentBytes, acquire, nowMs } = options;
    this.#options = options;
    this.#tables = new CacheTables(segmentBytes);
    this.#log = new CacheLog({
      segmentBytes,
      acquire,
      nowMs,
      entries: () => this.#index.entries,
      replace: (hash, from, to) => this.#index.replace(hash, from, to),
      onDrop: (valueBytes, reason) => {
        this.#valueBytes -= valueBytes;
        options.onDrop(reason);
      },
    });
    this.#index = new CacheIndex({
      tables: this.#tables,
      hasKey: (place, key) => {
        const segment = this.segmentAt(place);
        return hasKey(segment, segment.offsetOf(place), key);
      },
      isTelling: (ghost) => this.#log.isTelling(ghost),
    });
  }

  get entries(): number {
    return this.#index.entries;
  }

  /** Bytes of all values. */
  get valueBytes(): number {
    return this.#valueBytes;
  }

  /** The place of an entry; 0 or less: it is not there. */
  find(hash: number, key: string): number {
    return this.#index.find(hash, key);
  }

  segmentAt(place: number): Segment {
    return this.#log.segments[place >>> 16] as Segment;
  }

  /** False: there is no room for it, and nothing of its key. */
  write(entry: NewEntry): boolean {
    const { hash, key, value } = entry;
    const takenBytes = bytesOf(entry, this.#options.segmentBytes);
    const found = this.#index.find(hash, key);
    if (found > 0 && this.#overwrite(found, entry, takenBytes)) return true;
    if (found > 0) this.takeOut(hash, found);
    // What is written again begins anew in small, where its old bytes turn over soonest, and is in use.
    const queue = found > 0 ? 'small' : this.#log.queueFor(found, takenBytes);
    const segment = this.#makeRoom(hash) ? this.#log.segmentFor(queue, takenBytes) : null;
    if (segment === null) return false;
    const offset = segment.append(takenBytes);
    writeEntry(segment, offset, takenBytes, entry);
    if (found > 0) markUsed(segment, offset);
    this.#index.add(hash, segment.placeOf(offset));
    this.#valueBytes += value.length;
    this.#log.emptyAhead(queue, takenBytes);
    return true;
  }

  takeOut(hash: number, place: number): void {
    const segment = this.segmentAt(place);
    const offset = segment.offsetOf(place);
    this.#valueBytes -= valueLengthAt(segment, offset);
    this.#index.replace(hash, place, NO_GHOST);
    this.#log.forget(segment, offset);
  }

  clear(): void {
    this.#log.clear();
    this.#index.clear();
    this.#valueBytes = 0;
  }

  /** The last view of a segment is gone. True: it may be what a step of a shrink has waited for. */
  onUnviewed(segment: Segment): boolean {
    const { recalled } = segment.lease;
    this.#log.onUnviewed(segment);
    return recalled || this.#isStuck;
  }

  /**
   * One step of a shrink: what is recalled moves to a lease that is not, which may be got by emptying a
   * segment. False: nothing is recalled, or views keep what is.
   */
  giveBack(): boolean {
    this.#tables.giveUpSpare();
    this.#isStuck = false;
    const segment = this.#log.recalled;
    const table = segment === null ? this.#tables.recalled : null;
    if (segment === null && table === null) return false;
    const lease = this.#options.acquire();
    if (lease === null) {
      this.#isStuck = !this.#log.emptyOne();
      return !this.#isStuck;
    }
    if (segment !== null) segment.moveTo(lease);
    else if (table !== null) this.#tables.move(table, lease);
    return true;
  }

  /** Writes over an entry that takes about as much. False: it takes less, or far more, or is viewed. */
  #overwrite(place: number, entry: NewEntry, takenBytes: number): boolean {
    const segment = this.segmentAt(place);
    const offset = segment.offsetOf(place);
    const oldBytes = takenAt(segment, offset);
    if (segment.viewed || takenBytes > oldBytes || takenBytes * 2 < oldBytes) return false;
    this.#valueBytes += entry.value.length - valueLengthAt(segment, offset);
    writeEntry(segment, offset, oldBytes, entry);
    markUsed(segment, offset);
    return true;
  }

  /** In the index, for an entry of this hash. */
  #makeRoom(hash: number): boolean {
    while (!this.#index.hasRoom(hash) && !this.#index.makeRoom(hash)) {
      const lease = this.#log.freeLease();
      if (lease === null) break;
      this.#tables.addRoom(lease);
    }
    return this.#index.hasRoom(hash);
  }
}
