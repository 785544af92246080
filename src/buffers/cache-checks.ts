// What a cache is handed by its author, checked: sizes, times, keys and values. Each throws HOTADD_BAD_AMOUNT
// with the name of the cache as the place.
import { formatBytes, GiB, KiB } from '../core/bytes.ts';
import { HotaddError } from '../core/errors.ts';
import { bytesOf, type NewEntry } from './cache-entry.ts';
import { roomOf } from './cache-segment.ts';

export const SEGMENT_LEAST_BYTES = 64 * KiB;
/** Lengths of entries are 32 bits with a sign. */
const SEGMENT_MOST_BYTES = GiB;
const SHOWN_MOST = 60;

export function checkSegment(cache: string, bytes: number): void {
  const isPowerOfTwo = Number.isSafeInteger(bytes) && 2 ** Math.round(Math.log2(bytes)) === bytes;
  if (isPowerOfTwo && bytes >= SEGMENT_LEAST_BYTES && bytes <= SEGMENT_MOST_BYTES) return;
  throw bad(cache, `segmentBytes of ${bytes} is not a power of two from 64 KiB to 1 GiB`);
}

/** `null`: for ever. */
export function checkedTime(cache: string, ttlMs: number | undefined): number | null {
  if (ttlMs === undefined) return null;
  if (ttlMs > 0 && Number.isFinite(ttlMs)) return ttlMs;
  throw bad(cache, `ttlMs of ${ttlMs} is no time`, 'give milliseconds above 0, or none');
}

export function checkKey(cache: string, key: unknown): void {
  if (typeof key !== 'string')
    throw bad(cache, `a key is text, and this is ${typeof key}`, 'call it with String(key)');
}

export function checkEntry(cache: string, entry: NewEntry, segmentBytes: number): void {
  const { key, value } = entry;
  if (!(value instanceof Uint8Array))
    throw bad(cache, 'a value is bytes', 'call it with a Uint8Array, such as a Buffer');
  if (value.length === 0 && value.buffer instanceof ArrayBuffer && value.buffer.detached)
    throw bad(cache, 'the memory of a value was transferred to somebody else', 'set it before');
  if (bytesOf(entry, segmentBytes) <= roomOf(segmentBytes)) return;
  const name = key.length > SHOWN_MOST ? `${key.slice(0, SHOWN_MOST)}...` : key;
  const segment = formatBytes(segmentBytes);
  const problem = `"${name}" has ${value.length} bytes, more than fit a segment of ${segment}`;
  throw bad(cache, problem, 'give the cache larger segmentBytes, or keep the value in parts');
}

function bad(place: string, problem: string, mend?: string): HotaddError {
  return new HotaddError('HOTADD_BAD_AMOUNT', problem, mend === undefined ? { place } : { place, mend });
}
