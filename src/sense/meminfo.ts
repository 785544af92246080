// /proc/meminfo: how much memory the kernel manages now. MemTotal moves with hot-add, virtio-mem and balloon.
// Source: Documentation/filesystems/proc.rst.
import { KiB } from '../core/bytes.ts';
import type { Machine } from '../core/machine.ts';
import { neededNumberOf, numberOf } from './keyed-text.ts';

export const MEMINFO = '/proc/meminfo';

export interface Meminfo {
  readonly totalBytes: number;
  /** `null`: a kernel before 3.14 does not say. */
  readonly availableBytes: number | null;
}

/** @throws HotaddError HOTADD_BAD_KERNEL_FILE */
export function parseMeminfo(text: string): Meminfo {
  const available = numberOf(text, 'MemAvailable:');
  return {
    totalBytes: neededNumberOf(text, 'MemTotal:', MEMINFO) * KiB,
    availableBytes: available === null ? null : available * KiB,
  };
}

export function readMeminfo(machine: Machine): Meminfo {
  return parseMeminfo(machine.readText(MEMINFO));
}
