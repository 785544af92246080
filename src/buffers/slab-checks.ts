// What a pool is handed by its author, checked: options, sizes and times. Each throws HOTADD_BAD_AMOUNT with
// the name of the pool as the place.
import { formatBytes, KiB } from '../core/bytes.ts';
import { HotaddError } from '../core/errors.ts';

/** Linux pages are 64 KiB at most where Node runs. */
const SLAB_UNIT_BYTES = 64 * KiB;

export function checkOptions(pool: string, options: unknown): void {
  if (typeof options === 'object' && options !== null) return;
  throw badAmount(pool, 'there are no options', 'give { bytes }, what it may take');
}

export function checkSlab(pool: string, slabBytes: number): void {
  if (slabBytes > 0 && slabBytes % SLAB_UNIT_BYTES === 0 && Number.isSafeInteger(slabBytes)) return;
  const problem = `slabBytes of ${slabBytes} are not whole bytes in units of ${SLAB_UNIT_BYTES}`;
  throw badAmount(pool, problem, `give a multiple of ${SLAB_UNIT_BYTES}, or none for 32 MiB`);
}

/** That what a slab is divided in, by the name of its option, divides it. */
export function checkDivides(pool: string, option: string, bytes: number, slabBytes: number): void {
  if (bytes > 0 && slabBytes % bytes === 0 && Number.isSafeInteger(bytes)) return;
  const problem = `${option} of ${bytes} do not divide a slab, and slabBytes are ${slabBytes}`;
  throw badAmount(pool, problem, `give ${option} that divide slabBytes, or slabBytes that are a multiple`);
}

/** What a pool may take: nothing, or a slab and more. */
export function checkBytes(pool: string, bytes: number, slabBytes: number): void {
  if (!(Number.isSafeInteger(bytes) && bytes >= 0))
    throw badAmount(pool, `bytes of ${bytes} are not whole bytes`, 'give a whole number from 0 on');
  if (bytes === 0 || bytes >= slabBytes) return;
  const problem = `bytes of ${bytes} are less than a slab of ${formatBytes(slabBytes)}`;
  throw badAmount(pool, problem, 'give it more bytes, or smaller slabBytes; 0 is nothing');
}

export function checkDeadline(pool: string, deadlineMs: number): void {
  if (deadlineMs >= 0) return;
  throw badAmount(pool, `deadlineMs of ${deadlineMs} is no time`, 'give milliseconds from 0 on');
}

export function badAmount(place: string, problem: string, mend: string): HotaddError {
  return new HotaddError('HOTADD_BAD_AMOUNT', problem, { place, mend });
}
