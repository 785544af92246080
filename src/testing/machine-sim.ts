// A simulated machine: the kernel's files in memory, memory modules that can be added and removed while it
// runs, and the uevents and hints that go with them. The production sensor reads it like a real one. The twin
// of MachineOs (host/).
import type { Machine, Uevent } from '../core/machine.ts';

export interface MachineSimOptions {
  /** Memory there at boot; whole blocks. */
  readonly bootBytes: number;
  /** The kernel's unit of online/offline; 128 MiB on most x86 machines. */
  readonly blockBytes?: number;
  readonly cpus?: number;
  /** In use now, by everything that runs on it. Default: nothing. */
  readonly usedBytes?: () => number;
  readonly machineId?: string;
  /** The kernel's code (`EBUSY`, ...) with which a block refuses to go offline; absent: it goes. */
  readonly refuses?: (block: number) => string | undefined;
  /** How long a block takes to go offline: awaited by a slow write before the block goes. */
  readonly offlining?: (block: number) => Promise<void>;
}

/** One memory module: the blocks it fills. */
export interface ModuleSim {
  readonly id: string;
  readonly blocks: readonly number[];
}

/** The zone of a block that is online: `none` is one that never goes offline. */
export type ZoneSim = 'none' | 'DMA32' | 'Normal' | 'Movable';

interface BlockSim {
  state: 'online' | 'going-offline' | 'offline';
  zone: ZoneSim;
}

const STATE_FILE = /^\/sys\/devices\/system\/memory\/memory(\d+)\/state$/;
const BLOCK_FILE = /^\/sys\/devices\/system\/memory\/memory(\d+)\/(state|valid_zones)$/;
const MEMORY = '/sys/devices/system/memory';
const KiB = 1024;

export class MachineSim implements Machine {
  readonly cpus: number;
  readonly #usedBytes: () => number;
  readonly #blockBytes: number;
  readonly #files = new Map<string, () => string>();
  readonly #blocks = new Map<number, BlockSim>();
  readonly #options: MachineSimOptions;
  readonly #hints = new Map<string, Set<() => void>>();
  readonly #listeners = new Set<(uevent: Uevent) => void>();
  #modules = 0;
  readonly #bootBlocks: number;

  constructor(options: MachineSimOptions) {
    this.#options = options;
    this.cpus = options.cpus ?? 2;
    this.#blockBytes = options.blockBytes ?? 128 * KiB * KiB;
    this.#usedBytes = options.usedBytes ?? (() => 0);
    this.#bootBlocks = Math.ceil(options.bootBytes / this.#blockBytes);
    // The first block spans zones, as on a PC.
    for (let block = 0; block < this.#bootBlocks; block += 1)
      this.#blocks.set(block, { state: 'online', zone: block === 0 ? 'none' : 'Normal' });
    this.set('/etc/machine-id', `${options.machineId ?? '0123456789abcdef0123456789abcdef'}\n`);
    this.set('/proc/sys/kernel/random/boot_id', '00000000-0000-4000-8000-000000000001\n');
    this.set(`${MEMORY}/block_size_bytes`, `${this.#blockBytes.toString(16)}\n`);
    this.#files.set('/proc/meminfo', () => this.#meminfo());
  }

  /** Memory that is online now. */
  get onlineBytes(): number {
    return [...this.#blocks.values()].filter(({ state }) => state !== 'offline').length * this.#blockBytes;
  }

  /** Puts a file in place, or changes it, as another program would. */
  set(path: string, text: string): void {
    this.#files.set(path, () => text);
    this.#hint(path);
  }

  /** Takes a file away. */
  remove(path: string): void {
    this.#files.delete(path);
    this.#hint(path);
  }

  /**
   * Adds a module to the running machine. As on Linux all blocks are added first and then brought online,
   * each with its own uevent; memory can be used before anybody hears of it (N8).
   * @param options.zone where its memory goes when it comes online by itself; default: `Normal`.
   */
  addModule(sizeBytes: number, options: { online?: boolean; zone?: ZoneSim } = {}): ModuleSim {
    const count = Math.floor(sizeBytes / this.#blockBytes);
    const first = this.#freePlace(count);
    const blocks = Array.from({ length: count }, (_, index) => first + index);
    this.#modules += 1;
    for (const block of blocks) {
      this.#blocks.set(block, { state: 'offline', zone: options.zone ?? 'Normal' });
      this.#tell('add', block);
    }
    if (options.online ?? true) {
      for (const block of blocks) this.#setState(block, 'online');
      for (const block of blocks) this.#tell('online', block);
    }
    return { id: `module${this.#modules}`, blocks };
  }

  /** The lowest place above the boot memory that is wide enough: a module may come where another was. */
  #freePlace(count: number): number {
    let first = this.#bootBlocks;
    for (let block = first; block < first + count; block += 1) if (this.#blocks.has(block)) first = block + 1;
    return first;
  }

  /** Puts a block into a zone: on a PC what lies below 4 GiB is in DMA32. */
  setZone(block: number, zone: ZoneSim): void {
    const known = this.#blocks.get(block);
    if (known !== undefined) known.zone = zone;
  }

  /** Takes a module out; its blocks go offline first. */
  removeModule(module: ModuleSim): void {
    for (const block of module.blocks) {
      this.#setState(block, 'offline');
      this.#tell('offline', block);
    }
    for (const block of module.blocks) {
      this.#blocks.delete(block);
      this.#tell('remove', block);
    }
  }

  readText(path: string): string {
    const state = this.#blockFile(path);
    const text = state ?? this.#files.get(path)?.();
    if (text === undefined) throw missing(path);
    return text;
  }

  list(path: string): string[] {
    const names = new Set<string>();
    if (path === MEMORY) for (const block of this.#blocks.keys()) names.add(`memory${block}`);
    for (const file of this.#files.keys()) {
      if (file.startsWith(`${path}/`)) names.add(file.slice(path.length + 1).split('/')[0] ?? '');
    }
    if (names.size === 0) throw missing(path);
    return [...names];
  }

  inode(path: string): number {
    this.list(path);
    return 1;
  }

  writeText(path: string, text: string): void {
    const block = this.#blockOf(path);
    if (block === null) {
      if (!this.#files.has(path)) throw missing(path);
      this.set(path, text);
      return;
    }
    this.#mustTake(path, block, text);
    this.#setBlock(path, block, text);
  }

  async writeTextSlowly(path: string, text: string): Promise<void> {
    const block = this.#blockOf(path);
    if (block === null || text !== 'offline') return this.writeText(path, text);
    this.#mustTake(path, block, text);
    this.#setState(block, 'going-offline');
    await this.#options.offlining?.(block);
    this.#setState(block, 'online');
    this.#setBlock(path, block, text);
  }

  #blockOf(path: string): number | null {
    const block = Number(STATE_FILE.exec(path)?.[1] ?? Number.NaN);
    return this.#blocks.has(block) ? block : null;
  }

  /** As the kernel: a word that it does not know, or for a block that is so already, is EINVAL. */
  #mustTake(path: string, block: number, text: string): void {
    const wanted = /^online(_kernel|_movable)?$/.test(text) ? 'online' : text;
    const known = wanted === 'online' || wanted === 'offline';
    if (!known || this.#blocks.get(block)?.state === wanted) throw kernelError('EINVAL', path);
  }

  #setBlock(path: string, block: number, text: string): void {
    const state = text === 'offline' ? 'offline' : 'online';
    const code = state === 'offline' ? this.#refusal(block) : undefined;
    if (code !== undefined) throw kernelError(code, path);
    this.#setState(block, state);
    const known = this.#blocks.get(block);
    if (known !== undefined && text === 'online_movable') known.zone = 'Movable';
    if (known !== undefined && text === 'online_kernel') known.zone = 'Normal';
    this.#tell(state, block);
  }

  #refusal(block: number): string | undefined {
    return this.#blocks.get(block)?.zone === 'none' ? 'EINVAL' : this.#options.refuses?.(block);
  }

  #setState(block: number, state: BlockSim['state']): void {
    const known = this.#blocks.get(block);
    if (known !== undefined) known.state = state;
  }

  watch(path: string, onHint: () => void): () => void {
    const hints = this.#hints.get(path) ?? new Set();
    this.#hints.set(path, hints);
    hints.add(onHint);
    return () => hints.delete(onHint);
  }

  uevents(onUevent: (uevent: Uevent) => void): () => void {
    this.#listeners.add(onUevent);
    return () => this.#listeners.delete(onUevent);
  }

  totalMemoryBytes(): number {
    return this.onlineBytes;
  }

  #blockFile(path: string): string | undefined {
    const [, number, file] = BLOCK_FILE.exec(path) ?? [];
    const block = number === undefined ? undefined : this.#blocks.get(Number(number));
    if (block === undefined) return undefined;
    if (file === 'state') return `${block.state}\n`;
    return `${block.state === 'offline' ? 'Normal Movable' : block.zone}\n`;
  }

  #meminfo(): string {
    const total = this.onlineBytes / KiB;
    const available = Math.floor(Math.max(0, this.onlineBytes - this.#usedBytes()) / KiB);
    return `MemTotal: ${total} kB\nMemFree: ${available} kB\nMemAvailable: ${available} kB\n`;
  }

  #tell(action: string, block: number): void {
    const uevent = { action, path: `/devices/system/memory/memory${block}`, subsystem: 'memory' };
    for (const listener of this.#listeners) listener(uevent);
  }

  #hint(path: string): void {
    for (const onHint of this.#hints.get(path) ?? []) onHint();
  }
}

function missing(path: string): Error {
  return kernelError('ENOENT', path);
}

function kernelError(code: string, path: string): Error {
  const what = code === 'ENOENT' ? 'no such file or directory' : 'write';
  return Object.assign(new Error(`${code}: ${what}, '${path}'`), { code });
}
