// The values of page-server.ts: always the same for a key. Each begins and ends with its key, so that one
// that is not its own is seen where it is used, and where it arrives.
import { KiB } from '../src/core/bytes.ts';
import { valueBytesOf } from './cache-traces.ts';

const MOST_BYTES = 16 * KiB;
const WORD_BYTES = 4;
const rendered = Buffer.alloc(MOST_BYTES, 'a value of some server ');

/** Valid until the next call. */
export function render(key: number): Buffer {
  const value = rendered.subarray(0, valueBytesOf(key));
  value.writeUInt32LE(key, 0);
  value.writeUInt32LE(key, value.length - WORD_BYTES);
  return value;
}

export function isValueOf(key: number, value: Uint8Array): boolean {
  const { length } = value;
  return (
    length === valueBytesOf(key) && wordAt(value, 0) === key && wordAt(value, length - WORD_BYTES) === key
  );
}

/** Whether this is some of these values, whole and one after another. */
export function areValues(keys: ReadonlySet<number>, body: Uint8Array): boolean {
  for (let at = 0; at < body.length; ) {
    const key = wordAt(body, at);
    const value = body.subarray(at, at + valueBytesOf(key));
    if (!keys.has(key) || !isValueOf(key, value)) return false;
    at += value.length;
  }
  return true;
}

function wordAt(bytes: Uint8Array, at: number): number {
  const [a = 0, b = 0, c = 0, d = 0] = [bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]];
  return (a | (b << 8) | (c << 16) | (d << 24)) >>> 0;
}
