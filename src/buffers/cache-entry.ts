// An entry as it lies in a segment, and all that reads or writes it there. Keys are text, so they lie as code
// units: one byte each where all fit one, else two.
//
//   | hash | key length and flags | value length | bytes taken | expires? | key | value |
//     4 B    4 B                    4 B            4 B           8 B               from a multiple of 8
import { roundUp, type Segment } from './cache-segment.ts';

const HEAD_BYTES = 16;
const TIMED_HEAD_BYTES = 24;
/** Flags beside the length of a key, which is less than 2^29: V8's longest string. */
const USED = 1 << 31;
const WIDE = 1 << 30;
const TIMED = 1 << 29;
const KEY_LENGTH = TIMED - 1;
/** Values begin where any typed array may. */
const VALUE_ALIGN_BYTES = 8;

export interface NewEntry {
  readonly hash: number;
  readonly key: string;
  /** Some code unit of the key takes two bytes. */
  readonly wide: boolean;
  readonly value: Uint8Array;
  /** On the cache's clock; `null`: it does not expire. */
  readonly expiresMs: number | null;
}

/** 32 bits, from a seed that others do not know: FNV-1a over code units, then the finish of MurmurHash3. */
export function hashOf(key: string, seed: number): number {
  let hash = seed;
  for (let index = 0; index < key.length; index += 1)
    hash = Math.imul(hash ^ key.charCodeAt(index), 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return hash ^ (hash >>> 16);
}

/** Bytes that an entry takes in a segment of so many. */
export function bytesOf(entry: NewEntry, segmentBytes: number): number {
  return roundUp(besideValue(entry) + entry.value.length, segmentBytes);
}

/** Bytes of the head and the key, up to the value. */
export function besideValue({ key, wide, expiresMs }: NewEntry): number {
  return valueBegin(expiresMs === null ? HEAD_BYTES : TIMED_HEAD_BYTES, key.length, wide);
}

export function keyBytes({ key, wide }: NewEntry): number {
  return wide ? 2 * key.length : key.length;
}

/** Writes an entry at an offset where so many bytes are its own. */
export function writeEntry(segment: Segment, offset: number, takenBytes: number, entry: NewEntry): void {
  const { words, bytes } = segment;
  const { hash, key, wide, value, expiresMs } = entry;
  const word = offset >> 2;
  words[word] = hash;
  words[word + 1] = key.length | (wide ? WIDE : 0) | (expiresMs === null ? 0 : TIMED);
  words[word + 2] = value.length;
  words[word + 3] = takenBytes;
  if (expiresMs !== null) segment.times[(offset + HEAD_BYTES) >> 3] = expiresMs;
  const head = expiresMs === null ? HEAD_BYTES : TIMED_HEAD_BYTES;
  for (let index = 0, at = offset + head; index < key.length; index += 1) {
    const unit = key.charCodeAt(index);
    bytes[at++] = unit;
    if (wide) bytes[at++] = unit >> 8;
  }
  bytes.set(value, offset + valueBegin(head, key.length, wide));
}

/** Whether the entry at an offset has this key. */
export function hasKey({ words, bytes }: Segment, offset: number, key: string): boolean {
  const flags = words[(offset >> 2) + 1] as number;
  const { length } = key;
  if ((flags & KEY_LENGTH) !== length) return false;
  const begin = offset + (flags & TIMED ? TIMED_HEAD_BYTES : HEAD_BYTES);
  let index = 0;
  if (flags & WIDE) {
    while (index < length && unitAt(bytes, begin + 2 * index) === key.charCodeAt(index)) index += 1;
  } else {
    while (index < length && bytes[begin + index] === key.charCodeAt(index)) index += 1;
  }
  return index === length;
}

export function hashAt({ words }: Segment, offset: number): number {
  return words[offset >> 2] as number;
}

/** Bytes from this entry to the next. */
export function takenAt({ words }: Segment, offset: number): number {
  return words[(offset >> 2) + 3] as number;
}

export function valueLengthAt({ words }: Segment, offset: number): number {
  return words[(offset >> 2) + 2] as number;
}

/** Where its value begins. */
export function valueBeginAt({ words }: Segment, offset: number): number {
  const flags = words[(offset >> 2) + 1] as number;
  const head = flags & TIMED ? TIMED_HEAD_BYTES : HEAD_BYTES;
  return offset + valueBegin(head, flags & KEY_LENGTH, (flags & WIDE) !== 0);
}

/** `null`: it does not expire. */
export function expiresAt({ words, times }: Segment, offset: number): number | null {
  const flags = words[(offset >> 2) + 1] as number;
  return flags & TIMED ? (times[(offset + HEAD_BYTES) >> 3] as number) : null;
}

/** Marks it as asked for since it came, or since it was spared. */
export function markUsed({ words }: Segment, offset: number): void {
  const word = (offset >> 2) + 1;
  const flags = words[word] as number;
  if ((flags & USED) === 0) words[word] = flags | USED;
}

/** Whether it was asked for, which is forgotten thereby. */
export function takeUsed({ words }: Segment, offset: number): boolean {
  const word = (offset >> 2) + 1;
  const flags = words[word] as number;
  words[word] = flags & ~USED;
  return (flags & USED) !== 0;
}

/** Copies an entry to an offset of another segment, or to one further ahead in the same. */
export function copyEntry(from: Segment, offset: number, to: Segment, toOffset: number): void {
  const end = offset + takenAt(from, offset);
  if (from === to) to.bytes.copyWithin(toOffset, offset, end);
  else to.bytes.set(from.bytes.subarray(offset, end), toOffset);
}

function valueBegin(headBytes: number, keyLength: number, wide: boolean): number {
  const end = headBytes + (wide ? 2 * keyLength : keyLength);
  return Math.ceil(end / VALUE_ALIGN_BYTES) * VALUE_ALIGN_BYTES;
}

function unitAt(bytes: Uint8Array, at: number): number {
  return (bytes[at] as number) | ((bytes[at + 1] as number) << 8);
}

export function isWide(key: string): boolean {
  for (let index = 0; index < key.length; index += 1) if (key.charCodeAt(index) > 0xff) return true;
  return false;
}
