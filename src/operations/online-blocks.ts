// Brings memory blocks online (S5): memory that was added stays unused until somebody writes the kernel's
// word to memoryN/state. Source: Documentation/admin-guide/mm/memory-hotplug.rst, "Onlining Memory Blocks".
import { type Clock, pause } from '../core/clock.ts';
import type { Machine } from '../core/machine.ts';
import { kernelRefusal } from './kernel-refusal.ts';

const BLOCKS_FOLDER = '/sys/devices/system/memory';

/** The kernel's words: any zone, a zone for kernel data, a zone for movable pages only. */
export type OnlineWord = 'online' | 'online_kernel' | 'online_movable';

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
}): Promise<OnlinedBlocks> {
  const { machine, clock, blocks, word } = options;
  const onlined: number[] = [];
  const failed: { block: number; error: string }[] = [];
  for (const block of blocks) {
    const file = `${BLOCKS_FOLDER}/memory${block}/state`;
    try {
      machine.writeText(file, word);
      const state = machine.readText(file).trim();
      if (state === 'online') onlined.push(block);
      else failed.push({ block, error: `${file}: reads back "${state}"` });
    } catch (thrown) {
      failed.push({ block, error: kernelRefusal(thrown, file).message });
    }
    // A write takes milliseconds in the kernel; a module has hundreds of blocks.
    await pause(clock, 0);
  }
  return { onlined, failed };
}
