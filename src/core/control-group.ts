// A cgroup as a place in the file system, and the names of its memory files: what sense/ reads and
// operations/ write. Kernel sources: Documentation/admin-guide/cgroup-v2.rst and cgroup-v1/memory.rst.
import { HotaddError } from './errors.ts';
import type { Limit } from './memory.ts';

export interface ControlGroup {
  /** The hierarchy that holds the memory controller; a controller is only ever in one. */
  readonly version: 1 | 2;
  /** The kernel's name for it, as seen from here: `/app`, or `/` inside a cgroup namespace. */
  readonly path: string;
  /** Where its control files are. */
  readonly folder: string;
}

export const CONTROL_FILES = {
  max: 'memory.max',
  high: 'memory.high',
  current: 'memory.current',
  stat: 'memory.stat',
  swapCurrent: 'memory.swap.current',
  events: 'memory.events',
  pressure: 'memory.pressure',
  v1Limit: 'memory.limit_in_bytes',
  v1Usage: 'memory.usage_in_bytes',
  v1SwapLimit: 'memory.memsw.limit_in_bytes',
  v1OomControl: 'memory.oom_control',
} as const;

// cgroup v1 has no word for "unlimited": it reports the largest page-aligned signed 64-bit number,
// which varies with the page size and is too big for a double. No machine has 2^60 bytes.
const UNLIMITED_FROM_BYTES = 2 ** 60;
const DIGITS = /^\d+$/;

/**
 * Reads the text of a limit file.
 * @throws HotaddError HOTADD_BAD_KERNEL_FILE: what cannot be read is never "no limit" and never 0.
 */
export function parseLimit(text: string, place: string): Limit {
  const word = text.trim();
  if (word === 'max') return 'max';
  if (!DIGITS.test(word)) {
    throw new HotaddError('HOTADD_BAD_KERNEL_FILE', `"${word.slice(0, 40)}" is not a limit`, { place });
  }
  return limitOf(Number(word));
}

/** A limit as the kernel counts it: v1's largest numbers mean that there is none. */
export function limitOf(bytes: number): Limit {
  return bytes >= UNLIMITED_FROM_BYTES ? 'max' : bytes;
}

/** The smaller of two limits. */
export function tighter(a: Limit, b: Limit): Limit {
  if (a === 'max') return b;
  return b === 'max' || a < b ? a : b;
}
