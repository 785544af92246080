// Writes the state of one memory block, and reads back what became of it. The kernel works inside the write:
// milliseconds to bring a block online, seconds to move the pages of one that goes offline. Source:
// Documentation/admin-guide/mm/memory-hotplug.rst.
import { HotaddError } from '../core/errors.ts';
import type { Machine } from '../core/machine.ts';
import { kernelRefusal } from './kernel-refusal.ts';

export const BLOCKS_FOLDER = '/sys/devices/system/memory';

const ONLINE_WORDS = ['online', 'online_kernel', 'online_movable'] as const;
/** The kernel's words: any zone, a zone for kernel data, a zone for movable pages only. */
export type OnlineWord = (typeof ONLINE_WORDS)[number];

/** What the kernel does with memory that is added; `null`: it leaves it offline, or does not say. */
export function readPolicy(machine: Machine): OnlineWord | null {
  try {
    const word = machine.readText(`${BLOCKS_FOLDER}/auto_online_blocks`).trim();
    return ONLINE_WORDS.find((known) => known === word) ?? null;
  } catch {
    return null;
  }
}

/** A block that is not as it was asked to be, and why. */
export interface RefusedBlock {
  readonly block: number;
  readonly error: HotaddError;
}

/** Never rejects. @returns why the block is not as asked; `null`: it is. */
export async function setBlockState(
  machine: Machine,
  block: number,
  word: OnlineWord | 'offline',
): Promise<RefusedBlock | null> {
  const file = `${BLOCKS_FOLDER}/memory${block}/state`;
  let refusal: HotaddError | null = null;
  try {
    await machine.writeTextSlowly(file, word);
  } catch (thrown) {
    refusal = kernelRefusal(thrown, file);
  }
  try {
    const state = machine.readText(file).trim();
    // EINVAL for a block that is so already: somebody else was faster.
    if (state === (word === 'offline' ? word : 'online')) return null;
    const error = new HotaddError('HOTADD_OPERATION', `reads back "${state}"`, { place: file });
    return { block, error: refusal ?? error };
  } catch (thrown) {
    return { block, error: refusal ?? kernelRefusal(thrown, file) };
  }
}

/** `memory block 12 stays online: ...; and 3 more`: the first of them stand for all. */
export function sayRefused(refused: readonly RefusedBlock[], stays: 'online' | 'offline'): string | null {
  const [first, ...others] = refused;
  if (first === undefined) return null;
  const more = others.length === 0 ? '' : `; and ${others.length} more`;
  return `memory block ${first.block} stays ${stays}: ${first.error.message}${more}`;
}
