// The kernel's "key value" lines, as in memory.stat, /proc/meminfo and memory.events. Files are read often
// and few keys are wanted, so one key is looked for instead of taking all lines apart.
import { HotaddError } from '../core/errors.ts';

const SPACE = 32;
const TAB = 9;
const ZERO = 48;
const NINE = 57;

/** The whole number after `key` at the start of a line; `null` when no such line is there. */
export function numberOf(text: string, key: string): number | null {
  for (let at = text.indexOf(key); at >= 0; at = text.indexOf(key, at + 1)) {
    if (at > 0 && text.charCodeAt(at - 1) !== 10) continue;
    let digit = at + key.length;
    const afterKey = digit;
    while (text.charCodeAt(digit) === SPACE || text.charCodeAt(digit) === TAB) digit += 1;
    if (digit === afterKey) continue;
    let value = 0;
    const first = digit;
    for (let code = text.charCodeAt(digit); code >= ZERO && code <= NINE; code = text.charCodeAt(digit)) {
      value = value * 10 + (code - ZERO);
      digit += 1;
    }
    return digit === first ? null : value;
  }
  return null;
}

/** As `numberOf`, for a key that has to be there. @throws HotaddError HOTADD_BAD_KERNEL_FILE */
export function neededNumberOf(text: string, key: string, place: string): number {
  const value = numberOf(text, key);
  if (value !== null) return value;
  throw new HotaddError('HOTADD_BAD_KERNEL_FILE', `there is no number for ${key.replace(/:$/, '')}`, {
    place,
  });
}
