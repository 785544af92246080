// Memory that was added and is not online (S5): reported with the command that would bring it online, or
// brought online when the configuration says so. Each set of blocks is dealt with once.
import type { Clock } from '../core/clock.ts';
import type { Machine } from '../core/machine.ts';
import type { PhysicalMemory } from '../core/memory.ts';
import { onlineBlocks } from '../operations/online-blocks.ts';
import type { Sensor } from '../sense/sensor.ts';
import type { Config } from './config.ts';

export interface OnlinerOptions {
  readonly machine: Machine;
  readonly clock: Clock;
  readonly sensor: Sensor;
  readonly word: Config['online'];
  readonly say: ((notice: string) => void) | undefined;
}

export class Onliner {
  readonly #options: OnlinerOptions;
  #dealtWith = '';
  #running = false;

  constructor(options: OnlinerOptions) {
    this.#options = options;
  }

  look(memory: PhysicalMemory): void {
    if (this.#running || !memory.blocks || memory.blocks.offlineBytes === 0) return;
    const { blocks, command } = this.#options.sensor.offlineBlocks();
    const key = blocks.join(' ');
    if (key === this.#dealtWith || key === '') return;
    this.#dealtWith = key;
    const { word, say } = this.#options;
    if (word === 'off') {
      say?.(`${blocks.length} memory blocks are added and not online; as root: ${command ?? 'not known'}`);
      return;
    }
    this.#running = true;
    void this.#bringOnline(blocks, word).finally(() => {
      this.#running = false;
    });
  }

  async #bringOnline(blocks: readonly number[], word: Exclude<Config['online'], 'off'>): Promise<void> {
    const { machine, clock, sensor, say } = this.#options;
    const { onlined, failed } = await onlineBlocks({ machine, clock, blocks, word });
    await sensor.rescan();
    if (onlined.length > 0) say?.(`${onlined.length} memory blocks brought ${word}`);
    for (const { block, error } of failed) say?.(`memory block ${block} stays offline: ${error}`);
  }
}
