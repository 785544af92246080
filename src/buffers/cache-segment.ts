// A segment: a lease of memory, filled from its beginning to its end with entries, one after another without
// gaps. What is replaced or deleted stays there until the segment has its turn.
//
//   |    | head key value | head key value | dead          |      free      |
//   a place is the number of a segment and a count of units in it; 0 is no place
import type { Lease } from './lease.ts';

/** Numbers of segments: 15 bits, since negative places are ghosts. */
export const SEGMENTS_MOST = 2 ** 15;
/** A place has 16 bits for units. */
const UNITS_MOST = 2 ** 16;
const UNIT_LEAST_BYTES = 16;

/** The queue that a segment stands in. */
export type Queue = 'small' | 'main';

export class Segment {
  readonly number: number;
  /** A unit is 2 to the power of this. */
  readonly #unitShift: number;
  queue: Queue;
  lease: Lease;
  bytes: Uint8Array<ArrayBuffer>;
  words: Int32Array<ArrayBuffer>;
  times: Float64Array<ArrayBuffer>;
  /** Where the next entry begins. */
  endBytes = 0;
  /** Bytes of entries that are not dead. */
  liveBytes = 0;
  /** Values in use, which keep all of it where it is. */
  #views = 0;

  constructor(number: number, queue: Queue, lease: Lease) {
    this.number = number;
    this.queue = queue;
    this.lease = lease;
    this.bytes = lease.bytes;
    this.words = wordsOf(this.bytes);
    this.times = timesOf(this.bytes);
    this.#unitShift = Math.log2(unitOf(this.bytes.length));
    this.restart();
  }

  get deadBytes(): number {
    return this.endBytes - this.beginBytes - this.liveBytes;
  }

  get viewed(): boolean {
    return this.#views > 0;
  }

  hasRoom(bytes: number): boolean {
    return this.endBytes + bytes <= this.bytes.length;
  }

  /** The place of the entry that begins at an offset. */
  placeOf(offset: number): number {
    return (this.number << 16) | (offset >> this.#unitShift);
  }

  offsetOf(place: number): number {
    return (place & 0xffff) << this.#unitShift;
  }

  /** The offset of a new entry of so many bytes. The caller has looked for room. */
  append(bytes: number): number {
    const offset = this.endBytes;
    this.endBytes += bytes;
    this.liveBytes += bytes;
    return offset;
  }

  /** Begins anew, after the place that is none. What is appended never overtakes what was there. */
  restart(): void {
    this.endBytes = this.beginBytes;
    this.liveBytes = 0;
  }

  /** Where its first entry begins: place 0 is none. */
  get beginBytes(): number {
    return 1 << this.#unitShift;
  }

  /** Moves all to another lease, and gives this one back. Nobody may view it. */
  moveTo(lease: Lease): void {
    const { bytes, lease: left } = this;
    this.lease = lease;
    this.bytes = lease.bytes;
    this.words = wordsOf(this.bytes);
    this.times = timesOf(this.bytes);
    this.bytes.set(bytes.subarray(0, this.endBytes));
    left.release();
  }

  view(): void {
    if (this.#views === 0) this.lease.pin(1);
    this.#views += 1;
  }

  /** True: it was the last view. */
  unview(): boolean {
    this.#views -= 1;
    if (this.#views > 0) return false;
    this.lease.pin(-1);
    return true;
  }
}

/** What an entry of so many bytes takes: entries begin at whole units. */
export function roundUp(bytes: number, segmentBytes: number): number {
  const unit = unitOf(segmentBytes);
  return Math.ceil(bytes / unit) * unit;
}

/** The most that an entry may take. */
export function roomOf(segmentBytes: number): number {
  return segmentBytes - unitOf(segmentBytes);
}

function unitOf(segmentBytes: number): number {
  return Math.max(UNIT_LEAST_BYTES, segmentBytes / UNITS_MOST);
}

function wordsOf({ buffer, byteOffset, length }: Uint8Array<ArrayBuffer>): Int32Array<ArrayBuffer> {
  return new Int32Array(buffer, byteOffset, length / Int32Array.BYTES_PER_ELEMENT);
}

function timesOf({ buffer, byteOffset, length }: Uint8Array<ArrayBuffer>): Float64Array<ArrayBuffer> {
  return new Float64Array(buffer, byteOffset, length / Float64Array.BYTES_PER_ELEMENT);
}
