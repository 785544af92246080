// One process: the memory it holds, when it started (tells it from a later one with the same number), and the
// cgroups it is in. Source: Documentation/filesystems/proc.rst.
import { KiB } from '../core/bytes.ts';
import { HotaddError } from '../core/errors.ts';
import type { Machine } from '../core/machine.ts';
import { numberOf } from './keyed-text.ts';

// Fields after the name: state is the 3rd of the line, starttime the 22nd.
const START_TIME_AFTER_NAME = 22 - 3;

/**
 * Clock ticks after boot at which the process started. The name, in brackets, may hold spaces, brackets and
 * line ends of its own; the last bracket closes it.
 * @throws HotaddError HOTADD_BAD_KERNEL_FILE
 */
export function parseStartTime(text: string, place: string): string {
  const fields = text
    .slice(text.lastIndexOf(')') + 1)
    .trim()
    .split(' ');
  const startTime = fields[START_TIME_AFTER_NAME];
  if (text.includes(')') && startTime !== undefined && /^\d+$/.test(startTime)) return startTime;
  throw new HotaddError('HOTADD_BAD_KERNEL_FILE', 'there is no start time', { place });
}

export function readStartTime(machine: Machine, pid: number | 'self'): string {
  const place = `/proc/${pid}/stat`;
  return parseStartTime(machine.readText(place), place);
}

/** RSS + swap in bytes; `null` for what has no memory of its own (a kernel thread, a zombie). */
export function parseHeld(text: string): number | null {
  const rss = numberOf(text, 'VmRSS:');
  return rss === null ? null : (rss + (numberOf(text, 'VmSwap:') ?? 0)) * KiB;
}

/** Throws the kernel's ENOENT or ESRCH when the process is no more. */
export function readHeld(machine: Machine, pid: number): number | null {
  return parseHeld(machine.readText(`/proc/${pid}/status`));
}
