// Memory modules of a guest: plugged in and taken out by the platform, while the guest runs.
import { LabError } from './lab-error.ts';
import type { Qmp, QmpEvent } from './qmp.ts';

const BLOCKS_FOLDER = '/sys/devices/system/memory';
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

/** What of the guest is looked at: files and folders. */
export interface GuestFiles {
  read(path: string): Promise<string>;
  list(path: string): Promise<string[]>;
}

export class Modules {
  readonly #qmp: Qmp;
  readonly #files: GuestFiles;
  #made = 0;

  constructor(qmp: Qmp, files: GuestFiles) {
    this.#qmp = qmp;
    this.#files = files;
  }

  async add(bytes: number, { node, wait = true }: { node?: number; wait?: boolean }): Promise<MemoryModule> {
    const block = Number.parseInt(await this.#files.read(`${BLOCKS_FOLDER}/block_size_bytes`), 16);
    if (!(bytes > 0 && bytes % block === 0)) {
      throw new LabError(`a module of ${bytes} bytes has no whole memory blocks`, {
        mend: `give a multiple of ${block}: ${block / 1024 ** 2} MiB`,
      });
    }
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
    return { id, sizeBytes: bytes, blocks: wait ? await this.#appeared(id, bytes / block, before) : [] };
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
      const removal = await Promise.race([answered, this.#qmp.ended]);
      if (removal.removed) await this.#qmp.run('object-del', { id: `${module.id}-ram` });
      return removal;
    } finally {
      unlisten();
      answered.catch(() => undefined);
    }
  }

  async #blocks(): Promise<number[]> {
    const names = await this.#files.list(BLOCKS_FOLDER);
    return names.flatMap((name) => /^memory(\d+)$/.exec(name)?.[1] ?? []).map(Number);
  }

  /** All blocks are added first, and then brought online one by one where the kernel does so by itself. */
  async #appeared(id: string, count: number, before: readonly number[]): Promise<number[]> {
    const known = new Set(before);
    const policy = (await this.#files.read(`${BLOCKS_FOLDER}/auto_online_blocks`)).trim();
    const giveUpAt = performance.now() + APPEAR_MS;
    for (;;) {
      const blocks = (await this.#blocks()).filter((block) => !known.has(block));
      const isWhole = blocks.length >= count;
      if (isWhole && (policy === 'offline' || (await this.#areOnline(blocks)))) {
        return blocks.sort((a, b) => a - b);
      }
      if (performance.now() > giveUpAt) {
        const short = isWhole ? 'not all online' : 'not all there';
        throw new LabError(`after ${APPEAR_MS} ms the blocks of ${id} are ${short} (${policy})`);
      }
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    }
  }

  async #areOnline(blocks: readonly number[]): Promise<boolean> {
    // The last one first: they come online in order.
    for (const block of [...blocks].sort((a, b) => b - a)) {
      const state = await this.#files.read(`${BLOCKS_FOLDER}/memory${block}/state`);
      if (state.trim() !== 'online') return false;
    }
    return true;
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
