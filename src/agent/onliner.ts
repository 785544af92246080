// Memory that was added and is not online (S5): reported with the command that would bring it online, or
// brought online when the configuration says so. Each block is dealt with once, when its module is quiet.
// Memory that was taken offline is not memory that was added (decision 0010).
import type { Cancel, Clock } from '../core/clock.ts';
import type { Machine } from '../core/machine.ts';
import type { PhysicalMemory } from '../core/memory.ts';
import { onlineBlocks } from '../operations/online-blocks.ts';
import { onlineCommand } from '../sense/memory-blocks.ts';
import type { Sensor } from '../sense/sensor.ts';
import type { Config } from './config.ts';
import type { TakenBlocks } from './taken-blocks.ts';

/** A module appears block by block. */
const QUIET_MS = 250;

export interface OnlinerOptions {
  readonly machine: Machine;
  readonly clock: Clock;
  readonly sensor: Pick<Sensor, 'addedBlocks' | 'hasBlock' | 'rescan'>;
  readonly word: Config['online'];
  /** What planned changes took; `null`: nothing is remembered. */
  readonly taken: Pick<TakenBlocks, 'blocks' | 'has' | 'forget'> | null;
  /** True while an operation of our own works on memory blocks: then added ones wait. */
  isOperating(): boolean;
  readonly say: ((notice: string) => void) | undefined;
}

export class Onliner {
  readonly #options: OnlinerOptions;
  readonly #dealtWith = new Set<number>();
  #seen = '';
  #presentBytes = 0;
  #cancel: Cancel = () => {};
  #running = false;
  #first = true;
  readonly #closing = new AbortController();

  constructor(options: OnlinerOptions) {
    this.#options = options;
  }

  /** Told of each reading: acts when the blocks have moved and are quiet again. */
  look({ blocks }: Pick<PhysicalMemory, 'blocks'>): void {
    const seen = blocks === null ? '' : `${blocks.onlineBytes} ${blocks.offlineBytes}`;
    if (seen === this.#seen) return;
    this.#seen = seen;
    const presentBytes = (blocks?.onlineBytes ?? 0) + (blocks?.offlineBytes ?? 0);
    // Not at every block that comes: a large module has thousands.
    // At the first look: modules may have gone while no agent ran.
    const isFirst = this.#presentBytes === 0 && blocks !== null;
    if (presentBytes < this.#presentBytes || isFirst) this.#forgetGone();
    this.#presentBytes = presentBytes;
    this.#actWhenQuiet();
  }

  /** What it works on ends with the block under way: others may hold the partition from here on. */
  close(): void {
    this.#closing.abort();
    this.#cancel();
  }

  #actWhenQuiet(): void {
    this.#cancel();
    if (!this.#closing.signal.aborted) this.#cancel = this.#options.clock.after(QUIET_MS, () => this.#act());
  }

  #act(): void {
    if (this.#running || this.#options.isOperating()) {
      this.#actWhenQuiet();
      return;
    }
    const { sensor, taken, word } = this.#options;
    const added = sensor.addedBlocks();
    if (this.#first) this.#sayTaken(added.filter((block) => taken?.has(block)));
    this.#first = false;
    const blocks = added.filter((block) => !this.#dealtWith.has(block) && !taken?.has(block));
    if (blocks.length === 0) return;
    for (const block of blocks) this.#dealtWith.add(block);
    if (word === 'off') {
      const are = blocks.length === 1 ? '1 memory block is' : `${blocks.length} memory blocks are`;
      this.#say(`${are} added and not online; as root: ${onlineCommand(blocks) ?? 'not known'}`);
      return;
    }
    this.#running = true;
    void this.#bringOnline(blocks, word).finally(() => {
      this.#running = false;
    });
  }

  /** What appears in the place of a block that is gone is another, and is dealt with anew. */
  #forgetGone(): void {
    const { sensor, taken } = this.#options;
    for (const block of this.#dealtWith) if (!sensor.hasBlock(block)) this.#dealtWith.delete(block);
    const gone = taken?.blocks.filter((block) => !sensor.hasBlock(block)) ?? [];
    if (gone.length > 0) void taken?.forget(gone);
  }

  async #bringOnline(blocks: readonly number[], word: Exclude<Config['online'], 'off'>): Promise<void> {
    const { machine, clock, sensor } = this.#options;
    const { signal } = this.#closing;
    const { onlined, failed } = await onlineBlocks({ machine, clock, blocks, word, signal });
    await sensor.rescan();
    if (onlined.length > 0) this.#say(`${plural(onlined.length)} brought ${word}`);
    for (const { block, error } of failed) this.#say(`memory block ${block} stays offline: ${error}`);
  }

  #sayTaken(blocks: readonly number[]): void {
    if (blocks.length === 0) return;
    const left = `${plural(blocks.length)} left offline, taken by a planned change`;
    this.#say(`${left}; hotadd resize brings memory back`);
  }

  #say(notice: string): void {
    this.#options.say?.(notice);
  }
}

function plural(count: number): string {
  return count === 1 ? '1 memory block' : `${count} memory blocks`;
}
