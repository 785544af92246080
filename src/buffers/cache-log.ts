// Which values stay: S3-FIFO (Yang et al., SOSP 2023) on segments instead of single values. Each queue is a
// log of segments, so one that has its turn is emptied whole: no holes are left, and its memory is free for
// the next segment or for the system.
//
//   write --> small, a share --- asked for again --> main --- asked for again --> main, once more
//               |  not                                |  not
//               v                                     v
//             a ghost: who comes back is            a ghost: who comes back soon
//             written to main, and soon             makes the share smaller
//             makes the share larger
//
// What differs from the paper is measured: docs/decisions/0015-eviction.md.
import { copyEntry, expiresAt, hashAt, takenAt, takeUsed, valueLengthAt } from './cache-entry.ts';
import { NO_GHOST } from './cache-index.ts';
import { type Queue, Segment } from './cache-segment.ts';
import type { Lease } from './lease.ts';

/** What small may have of all segments, at first, at least and at most. */
const SHARE_LEAST = 0.1;
const SHARE_MOST = 0.9;
/** Who comes back within so many evictions, as a share of the entries, was nearly kept. */
const NEAR = 0.2;
/** After so many in a row that are filled again by what is in use the next one is emptied whole. */
const COMPACTED_MOST = 4;
/** In the last part of a segment each write empties some of the next one, so that none empties it whole. */
const AHEAD = 1 / 4;
/** A ghost is below 0; it has a bit for its queue, and the number of the eviction. */
const GHOST = 1 << 31;
const GHOST_OF_MAIN = 1 << 30;
const EVICTIONS = GHOST_OF_MAIN - 1;

export type Reason = 'evicted' | 'expired';

export interface CacheLogOptions {
  readonly segmentBytes: number;
  /** A lease for a segment; `null`: none is left. */
  readonly acquire: () => Lease | null;
  readonly nowMs: () => number;
  readonly entries: () => number;
  /** Puts another place or a ghost in the place of one. False: there is no such entry any more. */
  readonly replace: (hash: number, from: number, to: number) => boolean;
  /** Told of each value that is dropped. */
  readonly onDrop: (valueBytes: number, reason: Reason) => void;
}

/** A segment that is being emptied. It stays in its queue meanwhile, and what is not done yet is served. */
interface Emptying {
  readonly victim: Segment;
  /** Half of it or more is dead, so all that is not is kept. */
  readonly keepsAll: boolean;
  /** Where what is kept goes. */
  readonly to: Queue;
  /** What begins before it is done. */
  offset: number;
  /** What is kept stays in its lease, as the newest segment; the victim is out of its queue. */
  compacts: boolean;
}

export class CacheLog {
  /** By number, for those who have a place. */
  readonly segments: (Segment | null)[] = [];
  readonly #options: CacheLogOptions;
  readonly #queues: Record<Queue, Segment[]> = { small: [], main: [] };
  readonly #evictions: Record<Queue, number> = { small: 0, main: 0 };
  readonly #freeNumbers: number[] = [];
  #share = SHARE_LEAST;
  #ahead: Emptying | null = null;
  /** Segments in a row that were filled again by what was kept of them. */
  #compacted = 0;
  /** Of entries that were taken out, in all segments. */
  #deadBytes = 0;

  constructor(options: CacheLogOptions) {
    this.#options = options;
  }

  /** The segment for an entry of so many bytes. `null`: there is none that could be emptied for it. */
  segmentFor(queue: Queue, bytes: number): Segment | null {
    for (;;) {
      const open = this.#queues[queue].at(-1);
      if (open?.hasRoom(bytes)) return open;
      const lease = this.#options.acquire();
      if (lease !== null) this.#open(queue, lease);
      else if (!this.#emptyOne(isOurs)) return null;
    }
  }

  /** A lease that nothing is in. `null`: there is none, and no segment that could be emptied. */
  freeLease(): Lease | null {
    for (;;) {
      const lease = this.#options.acquire();
      if (lease !== null || !this.#emptyOne(isOurs)) return lease;
    }
  }

  /** For a shrink: empties the segment whose turn it is. False: there is none, or views keep what is. */
  emptyOne(): boolean {
    return this.#emptyOne(() => true);
  }

  /** After a write of so many bytes: empties some of the segment whose turn is next, if one is due soon. */
  emptyAhead(queue: Queue, bytes: number): void {
    const open = this.#queues[queue].at(-1);
    if (open?.hasRoom(AHEAD * this.#options.segmentBytes)) return;
    const lease = this.#options.acquire();
    lease?.release();
    const emptying = lease === null ? this.#turn(isOurs) : null;
    if (emptying === null || emptying.victim === this.#queues[emptying.victim.queue].at(-1)) return;
    this.#ahead = emptying;
    this.#empty(emptying, bytes / AHEAD);
  }

  /** The queue for a new entry, by the ghost that it left when it was evicted; 0: it left none. */
  queueFor(ghost: number, bytes: number): Queue {
    if (ghost === 0 || !this.isTelling(ghost)) return 'small';
    const isOfMain = (ghost & GHOST_OF_MAIN) !== 0;
    if (this.#ageOf(ghost) <= NEAR * this.#options.entries()) {
      const step = bytes / (this.#count * this.#options.segmentBytes);
      const share = this.#share + (isOfMain ? -step : step);
      this.#share = Math.min(SHARE_MOST, Math.max(SHARE_LEAST, share));
    }
    return isOfMain ? 'small' : 'main';
  }

  /** Whether a ghost is young enough to tell anything. */
  isTelling(ghost: number): boolean {
    const most = (ghost & GHOST_OF_MAIN) === 0 ? 1 : NEAR;
    return this.#ageOf(ghost) <= most * this.#options.entries();
  }

  /** Takes an entry out, as the index has; its bytes go with its segment. */
  forget(segment: Segment, offset: number): void {
    const takenBytes = takenAt(segment, offset);
    segment.liveBytes -= takenBytes;
    this.#deadBytes += takenBytes;
    if (segment.liveBytes > 0) return;
    if (segment !== this.#queues[segment.queue].at(-1)) this.#close(segment);
    else if (!segment.viewed) {
      this.#deadBytes -= segment.deadBytes;
      segment.restart();
    }
  }

  /** A segment that a shrink waits for and nobody views; `null`: none. */
  get recalled(): Segment | null {
    const isRecalled = (segment: Segment) => segment.lease.recalled && !segment.viewed;
    return this.#queues.small.find(isRecalled) ?? this.#queues.main.find(isRecalled) ?? null;
  }

  /** The last view of a segment is gone; one that was closed meanwhile goes now. */
  onUnviewed(segment: Segment): void {
    if (this.segments[segment.number] !== segment) segment.lease.release();
  }

  clear(): void {
    this.#ahead = null;
    for (const segment of [...this.#queues.small, ...this.#queues.main]) this.#close(segment);
  }

  get #count(): number {
    return this.#queues.small.length + this.#queues.main.length;
  }

  #ageOf(ghost: number): number {
    const queue = (ghost & GHOST_OF_MAIN) === 0 ? 'small' : 'main';
    return (this.#evictions[queue] - ghost) & EVICTIONS;
  }

  #open(queue: Queue, lease: Lease): Segment {
    const number = this.#freeNumbers.pop() ?? this.segments.length;
    const segment = new Segment(number, queue, lease);
    this.segments[number] = segment;
    this.#queues[queue].push(segment);
    return segment;
  }

  /** Takes a segment out for good. Views keep its bytes, and its lease with them. */
  #close(segment: Segment): void {
    this.#takeOut(segment);
    if (!segment.viewed) segment.lease.release();
  }

  #takeOut(segment: Segment): void {
    const queue = this.#queues[segment.queue];
    queue.splice(queue.indexOf(segment), 1);
    this.#deadBytes -= segment.deadBytes;
    this.segments[segment.number] = null;
    this.#freeNumbers.push(segment.number);
  }

  /**
   * Empties a segment, and gives its lease back unless what is kept stays in it. False: there is none.
   */
  #emptyOne(isWanted: (segment: Segment) => boolean): boolean {
    const emptying = this.#turn(isWanted);
    if (emptying === null) return false;
    this.#ahead = null;
    this.#empty(emptying, Number.POSITIVE_INFINITY);
    return true;
  }

  /** The segment to empty: the one that was begun, unless it is gone or viewed since. `null`: none. */
  #turn(isWanted: (segment: Segment) => boolean): Emptying | null {
    if (this.#ahead !== null && this.#isIn(this.#ahead) && !this.#ahead.victim.viewed) return this.#ahead;
    const sparse = this.#sparse();
    const victim = sparse ?? this.#victim(isWanted);
    if (victim === null) return null;
    const keepsAll = sparse !== null;
    return {
      victim,
      keepsAll,
      to: keepsAll ? victim.queue : 'main',
      offset: victim.beginBytes,
      compacts: false,
    };
  }

  #isIn({ victim }: Emptying): boolean {
    return this.segments[victim.number] === victim;
  }

  /** One that is half dead, where deletes have left such: emptying it costs no value. */
  #sparse(): Segment | null {
    const halfBytes = this.#options.segmentBytes / 2;
    if (this.#deadBytes < halfBytes) return null;
    const isSparse = (segment: Segment) => segment.deadBytes >= halfBytes && !segment.viewed;
    return this.#queues.small.find(isSparse) ?? this.#queues.main.find(isSparse) ?? null;
  }

  /** The segment whose turn it is, of those that nobody views. */
  #victim(isWanted: (segment: Segment) => boolean): Segment | null {
    const { small, main } = this.#queues;
    const isSmallFull = small.length > Math.max(1, Math.floor(this.#count * this.#share));
    for (const queue of isSmallFull ? [small, main] : [main, small]) {
      const segment = queue.find((each) => !each.viewed && isWanted(each));
      if (segment !== undefined) return segment;
    }
    return null;
  }

  /** Empties so many bytes of a segment. When nothing is left in it its lease goes back. */
  #empty(emptying: Emptying, bytes: number): void {
    const { victim, keepsAll } = emptying;
    const spares = this.#compacted < COMPACTED_MOST;
    const nowMs = this.#options.nowMs();
    const until = Math.min(victim.endBytes, emptying.offset + bytes);
    // What is compacted is done in one go, since a view would keep bytes that are written over.
    while (emptying.offset < (emptying.compacts ? victim.endBytes : until)) {
      if (!emptying.compacts && !this.#isIn(emptying)) break;
      const { offset } = emptying;
      emptying.offset += takenAt(victim, offset);
      const expiresMs = expiresAt(victim, offset);
      const stays = keepsAll || (takeUsed(victim, offset) && spares);
      if (expiresMs !== null && expiresMs <= nowMs) this.#drop(emptying, offset, 'expired');
      else if (stays && this.#hasRoom(emptying, takenAt(victim, offset))) this.#keep(emptying, offset);
      else this.#drop(emptying, offset, 'evicted');
    }
    if (!emptying.compacts && emptying.offset >= victim.endBytes && this.#isIn(emptying)) this.#close(victim);
    if (emptying.compacts) this.#compacted += 1;
    else if (!this.#isIn(emptying)) this.#compacted = 0;
  }

  /** Whether what is kept has a place to go. Where there is none but the victim itself that is compacted. */
  #hasRoom(emptying: Emptying, bytes: number): boolean {
    const { victim, to } = emptying;
    const open = this.#queues[to].at(-1);
    if (open !== undefined && open !== victim && open.hasRoom(bytes)) return true;
    const lease = this.#options.acquire();
    if (lease === null && victim.viewed) return false;
    if (lease === null) this.#takeOut(victim);
    emptying.compacts = lease === null;
    this.#open(to, lease ?? victim.lease);
    return true;
  }

  #keep({ victim, to, compacts }: Emptying, offset: number): void {
    const open = this.#queues[to].at(-1) as Segment;
    const place = open.placeOf(open.endBytes);
    // What was taken out is still in the segment, and no more in the index.
    if (!this.#options.replace(hashAt(victim, offset), victim.placeOf(offset), place)) return;
    copyEntry(victim, offset, open, open.append(takenAt(victim, offset)));
    if (!compacts) this.forget(victim, offset);
  }

  #drop({ victim, compacts }: Emptying, offset: number, reason: Reason): void {
    const { queue } = victim;
    const ghost = GHOST | (queue === 'main' ? GHOST_OF_MAIN : 0) | this.#evictions[queue];
    const left = reason === 'expired' ? NO_GHOST : ghost;
    const valueBytes = valueLengthAt(victim, offset);
    if (!this.#options.replace(hashAt(victim, offset), victim.placeOf(offset), left)) return;
    if (reason === 'evicted') this.#evictions[queue] = (this.#evictions[queue] + 1) & EVICTIONS;
    this.#options.onDrop(valueBytes, reason);
    if (!compacts) this.forget(victim, offset);
  }
}

/** What a write may empty: the lease of another one goes to the system instead of to the write. */
function isOurs({ lease }: Segment): boolean {
  return !lease.recalled;
}
