// What is given to an adapter is input: a mistake in it is said where it is made, with its mend, and not when
// memory changes months later.
import { HotaddError } from '../core/errors.ts';

/** @throws HotaddError HOTADD_BAD_USAGE when `value` is not a whole number from `least` on. */
export function expectCount(place: string, option: string, value: unknown, least = 1): number {
  if (Number.isSafeInteger(value) && Number(value) >= least) return Number(value);
  const mend = `give a whole number from ${least} on`;
  throw badOption(place, `${option} is ${String(value)}`, mend);
}

/**
 * Whether the software is what the adapter is for: it has these methods.
 * @throws HotaddError HOTADD_BAD_USAGE naming the first that is missing.
 */
export function expectMethods(place: string, what: string, software: unknown, methods: string[]): void {
  const found = typeof software === 'object' && software !== null ? software : {};
  const missing = methods.find((method) => typeof Reflect.get(found, method) !== 'function');
  if (missing === undefined) return;
  throw badOption(place, `what is given is not ${what}: it has no ${missing}()`, `give ${what} itself`);
}

export function badOption(place: string, problem: string, mend: string): HotaddError {
  return new HotaddError('HOTADD_BAD_USAGE', problem, { place, mend });
}
