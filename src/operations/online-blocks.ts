// Brings memory blocks online (S5): memory that was added stays unused until somebody writes the kernel's
// word to memoryN/state. Source: Documentation/admin-guide/mm/memory-hotplug.rst, "Onlining Memory Blocks".
import { type Clock, pause } from '../core/clock.ts';
import type { Machine } from '../core/machine.ts';
import { type OnlineWord, setBlockState } from './block-state.ts';

export interface OnlinedBlocks {
  readonly onlined: readonly number[];
  /** Blocks that did not come online, each with what the kernel said. */
  readonly failed: readonly { readonly block: number; readonly error: string }[];
}

/** Never throws for a block: one that fails harms no other (N7). The loop is given back after each write. */
export async function onlineBlocks(options: {
  machine: Machine;
  clock: Clock;
  blocks: readonly number[];
  word: OnlineWord;
  /** Once it aborts no block is begun. */
  signal?: AbortSignal;
}): Promise<OnlinedBlocks> {
  const { machine, clock, blocks, word, signal } = options;
  const onlined: number[] = [];
  const failed: { block: number; error: string }[] = [];
  for (const block of blocks) {
    if (signal?.aborted) break;
    const refused = await setBlockState(machine, block, word);
    if (refused === null) onlined.push(block);
    else failed.push({ block, error: refused.error.message });
    // A module has hundreds of blocks.
    await pause(clock, 0);
  }
  return { onlined, failed };
}
