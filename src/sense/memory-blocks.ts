// The kernel's units of online/offline: /sys/devices/system/memory/memoryN/state. A large machine has 32,768
// of them, so they are scanned once, in slices, and after that one event reads one block again. Source:
// Documentation/admin-guide/mm/memory-hotplug.rst.
import { type Clock, pause } from '../core/clock.ts';
import { HotaddError, messageOf } from '../core/errors.ts';
import type { Machine, Uevent } from '../core/machine.ts';
import type { MemoryBlocks } from '../core/memory.ts';
import { isGone } from './reading.ts';

export const BLOCKS_FOLDER = '/sys/devices/system/memory';

// The loop is never held for longer than 10 ms; less leaves room for the reads that cross the line, and for
// a collection of garbage in the middle of a slice, which takes 5 ms.
const SLICE_MS = 2;
const BLOCKS_PER_LOOK_AT_CLOCK = 8;

const BLOCK_NAME = /^memory(\d+)$/;
const BLOCK_PATH = /\/memory\/memory(\d+)$/;
const HEX = /^[0-9a-f]+$/i;

/**
 * The file is hexadecimal without a prefix: `8000000` is 128 MiB. @throws HotaddError HOTADD_BAD_KERNEL_FILE
 */
export function parseBlockSize(text: string): number {
  const size = HEX.test(text.trim()) ? Number.parseInt(text.trim(), 16) : 0;
  if (size > 0) return size;
  throw new HotaddError('HOTADD_BAD_KERNEL_FILE', `"${text.trim().slice(0, 40)}" is not a block size`, {
    place: `${BLOCKS_FOLDER}/block_size_bytes`,
  });
}

/** The number in `memory32`; `null` for the other names in the folder. */
export function parseBlockName(name: string): number | null {
  const digits = BLOCK_NAME.exec(name)?.[1];
  return digits === undefined ? null : Number(digits);
}

/** What a person types to bring blocks online: one line of shell. `null` when there is nothing to do. */
export function onlineCommand(blocks: readonly number[]): string | null {
  if (blocks.length === 0) return null;
  const parts: string[] = [];
  for (let at = 0; at < blocks.length; ) {
    let end = at;
    while (blocks[end + 1] === (blocks[end] ?? 0) + 1) end += 1;
    parts.push(end === at ? `${blocks[at]}` : `$(seq ${blocks[at]} ${blocks[end]})`);
    at = end + 1;
  }
  return `for n in ${parts.join(' ')}; do echo online > ${BLOCKS_FOLDER}/memory$n/state; done`;
}

/** Work in slices: asks the clock now and then, and gives the loop back when a slice is over. */
class Slices {
  readonly #clock: Clock;
  #startMs: number;
  #untilLook = BLOCKS_PER_LOOK_AT_CLOCK;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#startMs = clock.monotonicMs();
  }

  isOver(): boolean {
    this.#untilLook -= 1;
    if (this.#untilLook > 0) return false;
    this.#untilLook = BLOCKS_PER_LOOK_AT_CLOCK;
    return this.#clock.monotonicMs() - this.#startMs >= SLICE_MS;
  }

  async next(): Promise<void> {
    await pause(this.#clock, 0);
    this.#startMs = this.#clock.monotonicMs();
  }
}

/** The states of all blocks, kept by event and by scan. */
export class BlockStates {
  readonly #machine: Machine;
  readonly #clock: Clock;
  readonly #states = new Map<number, string>();
  /** Blocks that were not seen online since they appeared: added memory, and not memory that was taken. */
  readonly #added = new Set<number>();
  #sizeBytes: number | null = null;
  #onlineBlocks = 0;
  #scan: Promise<void> | null = null;
  #again = false;
  /** Why the last scan failed; `null`: it did not, or the machine has no blocks. */
  error: string | null = null;

  constructor(machine: Machine, clock: Clock) {
    this.#machine = machine;
    this.#clock = clock;
  }

  /** `null`: the machine has no memory blocks, or they could never be read. Going offline is not online. */
  memory(): MemoryBlocks | null {
    const sizeBytes = this.#sizeBytes;
    if (sizeBytes === null) return null;
    const offline = this.#states.size - this.#onlineBlocks;
    return { sizeBytes, onlineBytes: this.#onlineBlocks * sizeBytes, offlineBytes: offline * sizeBytes };
  }

  /** Blocks that are not online, ascending. */
  offline(): number[] {
    return this.#inState('offline');
  }

  /** Ascending. */
  online(): number[] {
    return this.#inState('online');
  }

  /** S5: blocks that appeared offline and have not been online since, ascending. */
  added(): number[] {
    return [...this.#added].sort((a, b) => a - b);
  }

  has(block: number): boolean {
    return this.#states.has(block);
  }

  #inState(wanted: string): number[] {
    const blocks: number[] = [];
    for (const [block, state] of this.#states) if (state === wanted) blocks.push(block);
    return blocks.sort((a, b) => a - b);
  }

  /** Reads the one block that an event is about. */
  take(uevent: Uevent): void {
    const digits = BLOCK_PATH.exec(uevent.path)?.[1];
    if (digits !== undefined) this.#readBlock(Number(digits));
  }

  /**
   * Reads all blocks, giving the loop back every few milliseconds. Asked for while it runs, it runs once
   * more.
   */
  async scan(): Promise<void> {
    if (this.#scan !== null) {
      this.#again = true;
      return this.#scan;
    }
    // Begun a moment later, so that an event that arrives from within finds it under way.
    this.#scan = Promise.resolve().then(() => this.#scanUntilQuiet());
    try {
      await this.#scan;
    } finally {
      this.#scan = null;
    }
  }

  async #scanUntilQuiet(): Promise<void> {
    do {
      this.#again = false;
      try {
        this.error = null;
        await this.#scanOnce();
      } catch (thrown) {
        if (isGone(thrown)) this.#forget();
        else this.error = messageOf(thrown);
      }
    } while (this.#again);
  }

  async #scanOnce(): Promise<void> {
    this.#sizeBytes = parseBlockSize(this.#machine.readText(`${BLOCKS_FOLDER}/block_size_bytes`));
    const seen = new Set<number>();
    const slices = new Slices(this.#clock);
    for (const name of this.#machine.walk?.(BLOCKS_FOLDER) ?? this.#machine.list(BLOCKS_FOLDER)) {
      const block = parseBlockName(name);
      if (block === null) continue;
      seen.add(block);
      this.#readBlock(block);
      if (slices.isOver()) await slices.next();
    }
    // What is not listed may have arrived since, by event: reading it again tells which of the two it is.
    for (const block of [...this.#states.keys()]) {
      if (seen.has(block)) continue;
      this.#readBlock(block);
      if (slices.isOver()) await slices.next();
    }
  }

  #readBlock(block: number): void {
    const before = this.#states.get(block);
    let state: string | undefined;
    try {
      state = this.#machine.readText(`${BLOCKS_FOLDER}/memory${block}/state`).trim();
    } catch (thrown) {
      if (!isGone(thrown)) {
        this.error = messageOf(thrown);
        return;
      }
    }
    if (state === before) return;
    if (before === 'online') this.#onlineBlocks -= 1;
    if (state === 'online') this.#onlineBlocks += 1;
    if (state !== 'offline') this.#added.delete(block);
    else if (before === undefined) this.#added.add(block);
    if (state === undefined) this.#states.delete(block);
    else this.#states.set(block, state);
  }

  #forget(): void {
    this.#sizeBytes = null;
    this.#onlineBlocks = 0;
    this.#states.clear();
    this.#added.clear();
  }
}
