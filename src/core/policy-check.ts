// What an author or operator may say of a driver or a partition, checked before it is used (E4).
import { HotaddError } from './errors.ts';
import type { Amount, Policy } from './registry.ts';
import { checkOptions, type KnownOptions, shown } from './usage-check.ts';

export const POLICY: KnownOptions<Policy> = { weight: true, min: true, max: true, onDrift: true };

/** @throws HotaddError HOTADD_BAD_USAGE naming the option. */
export function checkPolicy(driver: string, policy: Policy): void {
  checkOptions(driver, policy, POLICY);
  const { weight, min, max, onDrift } = policy;
  if (weight !== undefined && !(Number.isFinite(weight) && weight >= 0))
    throw badUsage(driver, `weight is ${shown(weight)}`, 'weight is a number from 0, such as 2');
  if (min !== undefined) checkAmount(`${driver}: min`, min);
  if (max !== undefined) checkAmount(`${driver}: max`, max);
  if (typeof min === 'number' && typeof max === 'number' && min > max)
    throw badUsage(driver, `min ${min} is above max ${max}`, 'give a min up to max');
  if (onDrift !== undefined && onDrift !== 'report' && onDrift !== 'reassert')
    throw badUsage(driver, `onDrift is ${shown(onDrift)}`, "give 'report' or 'reassert'");
}

/** @throws HotaddError HOTADD_BAD_USAGE. */
export function checkProcesses(processes: number): void {
  if (Number.isSafeInteger(processes) && processes >= 1) return;
  const mend = 'give the number of processes that open this partition, 1 or more';
  throw badUsage('processes', `is ${shown(processes)}`, mend);
}

/** @throws HotaddError HOTADD_BAD_USAGE naming the option. */
export function checkAmount(place: string, amount: Amount): void {
  const given: unknown = amount;
  const isPercent = typeof given === 'object' && given !== null;
  const value: unknown = isPercent ? Reflect.get(given, 'percent') : given;
  if (typeof value === 'string')
    throw badUsage(place, `is the text ${shown(value)}`, ofText(value, isPercent));
  const isAmount = Number.isFinite(value) && Number(value) >= 0;
  if (isAmount && (!isPercent || Number(value) <= 100)) return;
  const mend = 'give bytes from 0, or { percent } from 0 to 100 of usable memory';
  throw badUsage(place, `is ${shown(value)}${isPercent ? ' percent' : ''}`, mend);
}

/** What to write for it; a percentage is a text in much software. */
function ofText(text: string, isPercent: boolean): string {
  const percent = /^\s*(\d+(?:\.\d+)?)\s*(%?)\s*$/.exec(text);
  if (percent !== null && (isPercent || percent[2] === '%')) return `write { percent: ${percent[1]} }`;
  return "write { percent: 10 }, or bytes such as parseBytes('300MiB')";
}

function badUsage(place: string, problem: string, mend: string): HotaddError {
  return new HotaddError('HOTADD_BAD_USAGE', problem, { place, mend });
}
