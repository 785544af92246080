// Memory modules of a guest: plugged in and taken out by the platform, while the guest runs.
import { LabError } from './lab-error.ts';
import type { Qmp, QmpEvent } from './qmp.ts';

const APPEAR_MS = 20_000;
const REMOVE_MS = 60_000;
const POLL_MS = 10;
/** ACPI's word for "ejection in progress"; other words than this and 0 are refusals. */
const OST_IN_PROGRESS = 132;

export interface MemoryModule {
  readonly id: string;
  readonly sizeBytes: number;
  /** Numbers of the memory blocks that the guest's kernel made of it; empty when that was not waited for. */
  readonly blocks: readonly number[];
}

export type Removal =
  | { readonly removed: true }
  /** The guest's own refusal: the status of ACPI's _OST, 130 when the kernel could not move what is in it. */
  | { readonly removed: false; readonly status: number };

export class Modules {
  readonly #qmp: Qmp;
  readonly #listBlocks: () => Promise<string[]>;
  #made = 0;

  constructor(qmp: Qmp, listBlocks: () => Promise<string[]>) {
    this.#qmp = qmp;
    this.#listBlocks = listBlocks;
  }

  async add(bytes: number, { node, wait = true }: { node?: number; wait?: boolean }): Promise<MemoryModule> {
    this.#made += 1;
    const id = `module${this.#made}`;
    const before = wait ? await this.#blocks() : [];
    await this.#qmp.run('object-add', { 'qom-type': 'memory-backend-ram', id: `${id}-ram`, size: bytes });
    try {
      const where = node === undefined ? {} : { node };
      await this.#qmp.run('device_add', { driver: 'pc-dimm', id, memdev: `${id}-ram`, ...where });
    } catch (error) {
      await this.#qmp.run('object-del', { id: `${id}-ram` });
      throw error;
    }
    return { id, sizeBytes: bytes, blocks: wait ? await this.#appeared(id, bytes, before) : [] };
  }

  /** QEMU says what the guest answers; a guest that says nothing is given up after `timeoutMs`. */
  async remove(module: MemoryModule, { timeoutMs = REMOVE_MS } = {}): Promise<Removal> {
    let unlisten = () => {};
    const answered = new Promise<Removal>((resolve, reject) => {
      const late = setTimeout(() => {
        reject(new LabError(`the guest has not let go of ${module.id} within ${timeoutMs} ms`));
      }, timeoutMs);
      const end = this.#qmp.onEvent((event) => {
        const removal = removalOf(event, module.id);
        if (removal !== null) resolve(removal);
      });
      unlisten = () => {
        clearTimeout(late);
        end();
      };
    });
    try {
      await this.#qmp.run('device_del', { id: module.id });
      const removal = await answered;
      if (removal.removed) await this.#qmp.run('object-del', { id: `${module.id}-ram` });
      return removal;
    } finally {
      unlisten();
      answered.catch(() => undefined);
    }
  }

  async #blocks(): Promise<number[]> {
    const names = await this.#listBlocks();
    return names.flatMap((name) => /^memory(\d+)$/.exec(name)?.[1] ?? []).map(Number);
  }

  async #appeared(id: string, bytes: number, before: readonly number[]): Promise<number[]> {
    const known = new Set(before);
    const giveUpAt = performance.now() + APPEAR_MS;
    const blockBytes = 128 * 1024 ** 2;
    for (;;) {
      const blocks = (await this.#blocks()).filter((block) => !known.has(block));
      if (blocks.length * blockBytes >= bytes) return blocks.sort((a, b) => a - b);
      if (performance.now() > giveUpAt) {
        throw new LabError(`the guest shows ${blocks.length} blocks of ${id} after ${APPEAR_MS} ms`);
      }
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    }
  }
}

function removalOf({ event, data }: QmpEvent, id: string): Removal | null {
  if (event === 'DEVICE_DELETED' && data.device === id) return { removed: true };
  if (event !== 'ACPI_DEVICE_OST') return null;
  const { device, source, status } = data.info as { device?: string; source: number; status: number };
  // Source 3 is an ejection; 1 is the arrival.
  if (device !== id || source !== 3 || status === OST_IN_PROGRESS || status === 0) return null;
  return { removed: false, status };
}
