// What an author or operator may say of a driver or a partition, checked before it is used (E4).
import { HotaddError } from './errors.ts';
import type { Amount, Policy } from './registry.ts';

/** @throws HotaddError HOTADD_BAD_USAGE naming the option. */
export function checkPolicy(driver: string, { weight, min, max }: Policy): void {
  if (weight !== undefined && !(Number.isFinite(weight) && weight >= 0)) {
    throw new HotaddError('HOTADD_BAD_USAGE', `weight is ${weight}`, {
      place: driver,
      mend: 'weight is a number from 0, such as 2',
    });
  }
  if (min !== undefined) checkAmount(`${driver}: min`, min);
  if (max !== undefined) checkAmount(`${driver}: max`, max);
}

/** @throws HotaddError HOTADD_BAD_USAGE. */
export function checkProcesses(processes: number): void {
  if (Number.isSafeInteger(processes) && processes >= 1) return;
  const mend = 'give the number of processes that open this partition, 1 or more';
  throw new HotaddError('HOTADD_BAD_USAGE', `is ${processes}`, { place: 'processes', mend });
}

/** @throws HotaddError HOTADD_BAD_USAGE naming the option. */
export function checkAmount(place: string, amount: Amount): void {
  const isPercent = typeof amount !== 'number';
  const value = isPercent ? amount.percent : amount;
  if (Number.isFinite(value) && value >= 0 && (!isPercent || value <= 100)) return;
  throw new HotaddError('HOTADD_BAD_USAGE', `is ${value}${isPercent ? ' percent' : ''}`, {
    place,
    mend: 'give bytes from 0, or { percent } from 0 to 100 of usable memory',
  });
}
