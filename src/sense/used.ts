// F0: real, non-reclaimable use. Page cache that is clean can be dropped at once and is not use; dirty and
// written-back cache, shared memory (tmpfs) and swap are.
//   cgroup  current - (active_file + inactive_file - dirty - writeback) - slab_reclaimable + swap
//   host    MemTotal - MemAvailable
// Shared memory is on the anonymous lists, so the file lists do not hold it. Source: cgroup-v2.rst,
// memory.stat.
import { CONTROL_FILES as FILES } from '../core/control-group.ts';
import { HotaddError } from '../core/errors.ts';
import type { Machine } from '../core/machine.ts';
import { neededNumberOf, numberOf } from './keyed-text.ts';
import type { Meminfo } from './meminfo.ts';
import { isGone } from './reading.ts';

function wholeNumber(text: string, place: string): number {
  const word = text.trim();
  if (/^\d+$/.test(word)) return Number(word);
  throw new HotaddError('HOTADD_BAD_KERNEL_FILE', `"${word.slice(0, 40)}" is not a number of bytes`, {
    place,
  });
}

/** @param stat the text of memory.stat, hierarchical in v2. @param place the folder, for errors. */
export function usedV2(currentBytes: number, swapBytes: number, stat: string, place: string): number {
  const at = `${place}/${FILES.stat}`;
  const files = neededNumberOf(stat, 'active_file', at) + neededNumberOf(stat, 'inactive_file', at);
  const unclean = (numberOf(stat, 'file_dirty') ?? 0) + (numberOf(stat, 'file_writeback') ?? 0);
  return used(currentBytes, files - unclean, numberOf(stat, 'slab_reclaimable') ?? 0, swapBytes);
}

/**
 * @param stat the text of v1's memory.stat; only its total_ lines count the cgroups below. total_swap is
 * there only where swap is counted. v1 says nothing of reclaimable slab, so all of the slab counts as use.
 */
export function usedV1(usageBytes: number, stat: string, place: string): number {
  const at = `${place}/${FILES.stat}`;
  const files =
    neededNumberOf(stat, 'total_active_file', at) + neededNumberOf(stat, 'total_inactive_file', at);
  const unclean = (numberOf(stat, 'total_dirty') ?? 0) + (numberOf(stat, 'total_writeback') ?? 0);
  return used(usageBytes, files - unclean, 0, numberOf(stat, 'total_swap') ?? 0);
}

/** The kernel counts in batches per CPU, so a part may show larger than the whole for a moment. */
function used(current: number, cleanFiles: number, slabReclaimable: number, swap: number): number {
  return Math.max(0, current - Math.max(0, cleanFiles) - slabReclaimable) + swap;
}

/** `null`: the kernel does not say what is available. */
export function usedOfHost(meminfo: Meminfo): number | null {
  return meminfo.availableBytes === null ? null : Math.max(0, meminfo.totalBytes - meminfo.availableBytes);
}

export function readUsedV2(machine: Machine, folder: string): number {
  const current = wholeNumber(machine.readText(`${folder}/${FILES.current}`), `${folder}/${FILES.current}`);
  const stat = machine.readText(`${folder}/${FILES.stat}`);
  return usedV2(current, readSwap(machine, `${folder}/${FILES.swapCurrent}`), stat, folder);
}

/** Also gives the text of memory.stat, which says the limit of hidden ancestors. */
export function readUsedV1(machine: Machine, folder: string): { bytes: number; stat: string } {
  const usage = wholeNumber(machine.readText(`${folder}/${FILES.v1Usage}`), `${folder}/${FILES.v1Usage}`);
  const stat = machine.readText(`${folder}/${FILES.stat}`);
  return { bytes: usedV1(usage, stat, folder), stat };
}

/** The file is missing where swap is not counted (no CONFIG_SWAP, swapaccount=0): then nothing is swapped. */
function readSwap(machine: Machine, file: string): number {
  try {
    return wholeNumber(machine.readText(file), file);
  } catch (thrown) {
    if (isGone(thrown)) return 0;
    throw thrown;
  }
}
