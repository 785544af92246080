// Somebody who registers with the partition for a while: a listener and a driver of buffers. Once they have
// unregistered nobody may call them (N12).
import type { Agent } from '../../src/agent/agent.ts';
import { buffers } from '../../src/buffers/buffers.ts';
import { messageOf } from '../../src/core/errors.ts';
import type { Act } from './scenario.ts';
import type { World } from './world.ts';

type Visit = Extract<Act, { act: 'visit' }>;

const RESIZE_MS = 120;

export class Visitor {
  readonly #world: World;
  readonly #name: string;
  #left = false;

  constructor(world: World, agent: Agent, visit: Visit) {
    this.#world = world;
    this.#name = world.visitorName();
    this.#register(agent, visit);
  }

  #register(agent: Agent, { forMs, throws, existing }: Visit): void {
    let bytes = 0;
    const listener = agent.partition.onChange(
      () => {
        this.#heard('news');
        if (throws) throw new Error('not my day');
      },
      { existing },
    );
    const resize = async (to: number) => {
      this.#heard('resize');
      if (throws) throw new Error('broken on purpose');
      await new Promise<void>((resolve) => {
        this.#world.clock.after(RESIZE_MS, resolve);
      });
      this.#heard('the end of resize');
      bytes = to;
    };
    const size = () => {
      this.#heard('read');
      return bytes;
    };
    const plain = buffers(this.#name, { size, held: () => 0, resize, ceiling: 16 * 1024 ** 2 });
    // Its instance counts all buffers of this process, and one seed is to be one history.
    const read = async (signal: AbortSignal) => ({ ...(await plain.read(signal)), instance: this.#name });
    const member = agent.partition.register({ ...plain, read }, { existing });
    this.#world.clock.after(forMs, () => {
      void Promise.all([listener.unregister(), member.unregister()]).then(() => {
        this.#left = true;
      }, messageOf);
    });
  }

  #heard(what: string): void {
    if (this.#left) this.#world.tell({ fact: 'heard after unregistering', who: this.#name, what });
  }
}
