// What a cache is handed by its author, checked: sizes, times, keys and values. Each throws HOTADD_BAD_AMOUNT
// with the name of the cache as the place.
import { formatBytes, GiB, KiB, MiB } from '../core/bytes.ts';
import { besideValue, bytesOf, keyBytes, type NewEntry } from './cache-entry.ts';
import { roomOf } from './cache-segment.ts';
import { badAmount, checkDivides } from './slab-checks.ts';

const SEGMENT_LEAST_BYTES = 64 * KiB;
/** Lengths of entries are 32 bits with a sign. */
const SEGMENT_MOST_BYTES = GiB;
const SEGMENT_BYTES = MiB;
/** With fewer segments hit rates fall: docs/decisions/0015-eviction.md. */
const SEGMENTS_LEAST = 32;
const SHOWN_MOST = 60;

/** A 32nd of a slab at most, and one that divides it. */
export function segmentOf(slabBytes: number): number {
  let bytes = SEGMENT_LEAST_BYTES;
  while (bytes < SEGMENT_BYTES && slabBytes >= 2 * bytes * SEGMENTS_LEAST && slabBytes % (2 * bytes) === 0)
    bytes *= 2;
  return bytes;
}

export function checkSegment(cache: string, bytes: number, slabBytes: number): void {
  const isPowerOfTwo = Number.isSafeInteger(bytes) && 2 ** Math.round(Math.log2(bytes)) === bytes;
  if (!isPowerOfTwo || bytes < SEGMENT_LEAST_BYTES || bytes > SEGMENT_MOST_BYTES) {
    const problem = `segmentBytes of ${bytes} is not a power of two from 64 KiB to 1 GiB`;
    throw badAmount(cache, problem, 'give such a power, such as 2 ** 20, or none');
  }
  checkDivides(cache, 'segmentBytes', bytes, slabBytes);
}

/** `null`: for ever. */
export function checkedTime(cache: string, ttlMs: number | undefined): number | null {
  if (ttlMs === undefined) return null;
  if (ttlMs > 0 && Number.isFinite(ttlMs)) return ttlMs;
  throw badAmount(cache, `ttlMs of ${ttlMs} is no time`, 'give milliseconds above 0, or none');
}

export function checkKey(cache: string, key: unknown): void {
  if (typeof key !== 'string')
    throw badAmount(cache, `a key is text, and this is ${typeof key}`, 'call it with String(key)');
}

export function checkEntry(cache: string, entry: NewEntry, segmentBytes: number): void {
  const { key, value } = entry;
  if (!(value instanceof Uint8Array))
    throw badAmount(cache, 'a value is bytes', 'call it with a Uint8Array, such as a Buffer');
  if (value.length === 0 && value.buffer instanceof ArrayBuffer && value.buffer.detached)
    throw badAmount(cache, 'the memory of a value was transferred to somebody else', 'set it before');
  if (bytesOf(entry, segmentBytes) <= roomOf(segmentBytes)) return;
  const name = key.length > SHOWN_MOST ? `${key.slice(0, SHOWN_MOST)}...` : key;
  const segment = formatBytes(segmentBytes);
  const most = roomOf(segmentBytes) - besideValue(entry);
  const larger = 'give the cache larger segmentBytes';
  if (most < 0) {
    const problem = `the key "${name}" of ${keyBytes(entry)} bytes does not fit a segment of ${segment}`;
    throw badAmount(cache, problem, `${larger}, or use a hash of it as the key`);
  }
  const problem = `the value of "${name}" has ${value.length} bytes, and beside its key fit ${most}`;
  throw badAmount(cache, `${problem}, in a segment of ${segment}`, `${larger}, or keep the value in parts`);
}
