// Which memory blocks may go offline, and in which order. A block in zone Movable holds only pages that can
// be moved; one of the other zones goes only when no kernel data is in it; one that spans zones (`none`)
// never goes. `removable` says 1 of every block since Linux 5.7, so it is not asked. Source:
// Documentation/admin-guide/mm/memory-hotplug.rst, "valid_zones".
import { type Clock, pause } from '../core/clock.ts';
import type { Machine } from '../core/machine.ts';
import { BLOCKS_FOLDER } from './block-state.ts';

/** A machine has up to 32,768 blocks; so many reads hold the loop for less than 10 ms. */
const BLOCKS_PER_SLICE = 64;

/** A block that spans zones never goes, and what lies below 4 GiB was there at boot: devices need it. */
const NEVER: ReadonlySet<string | null> = new Set(['none', 'DMA32']);

/** Movable ones first; the highest first among equals, since modules lie above what was there at boot. */
export async function offlineCandidates(
  machine: Machine,
  clock: Clock,
  online: readonly number[],
): Promise<number[]> {
  const movable: number[] = [];
  const others: number[] = [];
  for (const [index, block] of [...online].sort((a, b) => b - a).entries()) {
    const zone = readZone(machine, block);
    if (zone === 'Movable') movable.push(block);
    else if (!NEVER.has(zone)) others.push(block);
    if (index % BLOCKS_PER_SLICE === BLOCKS_PER_SLICE - 1) await pause(clock, 0);
  }
  return [...movable, ...others];
}

/** `null`: a kernel that does not say, or a block that is gone by now; trying tells. */
function readZone(machine: Machine, block: number): string | null {
  try {
    return machine.readText(`${BLOCKS_FOLDER}/memory${block}/valid_zones`).trim();
  } catch {
    return null;
  }
}
