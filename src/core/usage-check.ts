// What is handed to a call, checked before anything is touched (E4): a mistake in it would show only when
// memory changes, and nobody looks then.
import { type ErrorCode, HotaddError } from './errors.ts';

/** By option: the compiler holds the list and the type together. */
export type KnownOptions<Options> = { readonly [Option in keyof Required<Options>]: true };

/**
 * A mistyped option would be passed over in silence.
 * @throws HotaddError naming the option, and those that there are.
 */
export function checkOptions<Options>(
  place: string,
  options: unknown,
  known: KnownOptions<Options>,
  code: ErrorCode = 'HOTADD_BAD_USAGE',
): void {
  const mend = `its options are ${Object.keys(known).join(', ')}`;
  if (typeof options !== 'object' || options === null || Array.isArray(options))
    throw new HotaddError(code, `the options are ${shown(options)}`, { place, mend });
  const unknown = Object.keys(options).find((option) => !Object.hasOwn(known, option));
  if (unknown !== undefined) throw new HotaddError(code, `has no option ${unknown}`, { place, mend });
}

/** @throws HotaddError HOTADD_BAD_USAGE for a limit that is no whole bytes above 0. */
export function checkLimit(place: string, bytes: unknown): void {
  if (Number.isSafeInteger(bytes) && Number(bytes) > 0) return;
  const mend = "give whole bytes, such as parseBytes('300MiB')";
  throw new HotaddError('HOTADD_BAD_USAGE', `is ${shown(bytes)}`, { place, mend });
}

/** @throws HotaddError HOTADD_BAD_USAGE. */
export function checkSwitch(place: string, value: unknown): void {
  if (value === undefined || typeof value === 'boolean') return;
  throw new HotaddError('HOTADD_BAD_USAGE', `is ${shown(value)}`, { place, mend: 'give true or false' });
}

/** A value as an error tells it; a text in quotes, so that '5' is told from 5. */
export function shown(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value);
  if (typeof value === 'function') return 'a function';
  if (value instanceof Promise) return 'a promise';
  if (Array.isArray(value)) return 'a list';
  return typeof value === 'object' && value !== null ? 'an object' : String(value);
}
