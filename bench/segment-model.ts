// What ByteCache decides, without a byte being moved: the policy of docs/decisions/0015-eviction.md on
// segments that know only keys and lengths. Whoever changes it tries it here first: a run takes seconds.
//
//   write --> small --- used ---> main --- used ---> main, once more
//               |  not              |  not
//               v                   v
//            its ghosts          its ghosts
//            back: to main       back: to small
//            back soon: small grows           back soon: main grows
import { KiB, MiB } from '../src/core/bytes.ts';
import { valueBytesOf } from './cache-traces.ts';
import type { EvictionPolicy } from './eviction-policies.ts';
import { GhostTable } from './ghost-table.ts';

export const CONSTANTS = {
  /** The least share of the segments that small has, and what it begins with; main has as much at least. */
  leastShare: 0.1,
  /** Who comes back within so many evictions from its queue comes back soon. By entries held. */
  soon: 0.2,
  /** Who comes back to small within so many goes to main. By entries held. */
  known: 1,
  /** After so many segments that a write has emptied, it takes the next one whole. */
  emptiedMost: 4,
};

/** About 32 segments or more, each with room for a few values at least. */
export function segmentBytesFor(bytes: number): number {
  return Math.min(MiB, Math.max(64 * KiB, 2 ** Math.floor(Math.log2(bytes / 32))));
}

interface Segment {
  keys: number[];
  bytes: number;
}

export class SegmentModel implements EvictionPolicy {
  readonly #constants: typeof CONSTANTS;
  readonly #segmentBytes: number;
  #segments: number;
  readonly #small: Segment[] = [];
  readonly #main: Segment[] = [];
  readonly #smallGhosts = new GhostTable();
  readonly #mainGhosts = new GhostTable();
  /** Key to whether it was used since it was written or copied. */
  readonly #used = new Map<number, boolean>();
  #free: number;
  #share: number;
  #writtenBytes = 0;
  #copiedBytes = 0;

  constructor(bytes: number, segmentBytes = segmentBytesFor(bytes), constants = CONSTANTS) {
    this.#constants = constants;
    this.#segmentBytes = segmentBytes;
    this.#segments = Math.floor(bytes / segmentBytes);
    this.#free = this.#segments;
    this.#share = constants.leastShare;
  }

  get segments(): number {
    return this.#segments;
  }

  get copiedBytes(): number {
    return this.#copiedBytes;
  }

  /** What sparing costs: bytes copied for a byte that is written. */
  get copiedPerByte(): number {
    return this.#copiedBytes / this.#writtenBytes;
  }

  ask(key: number): boolean {
    const hit = this.#used.has(key);
    if (!hit) this.#write(key);
    this.#used.set(key, hit);
    return hit;
  }

  /** Gives one segment back: emptied as for a write, and then not used. */
  shrink(): void {
    for (let emptied = 0; this.#free === 0; emptied += 1) {
      this.#empty(emptied < this.#constants.emptiedMost);
    }
    this.#free -= 1;
    this.#segments -= 1;
  }

  #write(key: number): void {
    const { soon, known } = this.#constants;
    const held = this.#used.size;
    const smallAge = this.#smallGhosts.take(fingerprintOf(key));
    const mainAge = this.#mainGhosts.take(fingerprintOf(key));
    if (smallAge <= soon * held) this.#moveShare(valueBytesOf(key));
    else if (mainAge <= soon * held) this.#moveShare(-valueBytesOf(key));
    const segment = this.#segmentFor(smallAge <= known * held ? this.#main : this.#small, valueBytesOf(key));
    append(segment, key);
    this.#writtenBytes += valueBytesOf(key);
  }

  #moveShare(bytes: number): void {
    const { leastShare } = this.#constants;
    const share = this.#share + bytes / (this.#segments * this.#segmentBytes);
    this.#share = Math.min(1 - leastShare, Math.max(leastShare, share));
  }

  #segmentFor(queue: Segment[], length: number): Segment {
    for (let emptied = 0; ; emptied += 1) {
      const open = queue.at(-1);
      if (open !== undefined && open.bytes + length <= this.#segmentBytes) return open;
      if (this.#free > 0) {
        this.#free -= 1;
        queue.push({ keys: [], bytes: 0 });
      } else this.#empty(emptied < this.#constants.emptiedMost);
    }
  }

  /** Empties the segment whose turn it is. What is kept and finds no room stays in it, as main's newest. */
  #empty(keeps: boolean): void {
    const isSmallOver = this.#small.length > Math.max(1, this.#share * this.#segments);
    const fromSmall = isSmallOver || this.#main.length === 0;
    const { keys } = (fromSmall ? this.#small : this.#main).shift() ?? { keys: [] };
    this.#free += 1;
    for (const key of keys) {
      if (keeps && this.#used.get(key)) this.#keep(key);
      else this.#evict(key, fromSmall);
    }
  }

  #keep(key: number): void {
    const open = this.#main.at(-1);
    if (open === undefined || open.bytes + valueBytesOf(key) > this.#segmentBytes) {
      this.#free -= 1;
      this.#main.push({ keys: [], bytes: 0 });
    }
    append(this.#main.at(-1), key);
    this.#used.set(key, false);
    this.#copiedBytes += valueBytesOf(key);
  }

  #evict(key: number, fromSmall: boolean): void {
    this.#used.delete(key);
    const { soon, known } = this.#constants;
    const [ghosts, most] = fromSmall ? [this.#smallGhosts, known] : [this.#mainGhosts, soon];
    ghosts.remember(fingerprintOf(key), most * this.#used.size);
  }
}

function append(segment: Segment | undefined, key: number): void {
  segment?.keys.push(key);
  if (segment !== undefined) segment.bytes += valueBytesOf(key);
}

function fingerprintOf(key: number): number {
  const mixed = Math.imul(key ^ 0x5bd1e995, 0x9e3779b1);
  return Math.imul(mixed ^ (mixed >>> 16), 0x85ebca6b) >>> 0;
}
