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
}

/** One memory module: the blocks it fills. */
export interface ModuleSim {
  readonly id: string;
  readonly blocks: readonly number[];
}

const MEMORY = '/sys/devices/system/memory';
const KiB = 1024;

export class MachineSim implements Machine {
  readonly cpus: number;
  readonly #usedBytes: () => number;
  readonly #blockBytes: number;
  readonly #files = new Map<string, () => string>();
  readonly #blocks = new Map<number, 'online' | 'offline'>();
  readonly #hints = new Map<string, Set<() => void>>();
  readonly #listeners = new Set<(uevent: Uevent) => void>();
  #modules = 0;
  #nextBlock: number;

  constructor(options: MachineSimOptions) {
    this.cpus = options.cpus ?? 2;
    this.#blockBytes = options.blockBytes ?? 128 * KiB * KiB;
    this.#usedBytes = options.usedBytes ?? (() => 0);
    this.#nextBlock = Math.ceil(options.bootBytes / this.#blockBytes);
    for (let block = 0; block < this.#nextBlock; block += 1) this.#blocks.set(block, 'online');
    this.set('/etc/machine-id', `${options.machineId ?? '0123456789abcdef0123456789abcdef'}\n`);
    this.set('/proc/sys/kernel/random/boot_id', '00000000-0000-4000-8000-000000000001\n');
    this.set(`${MEMORY}/block_size_bytes`, `${this.#blockBytes.toString(16)}\n`);
    this.#files.set('/proc/meminfo', () => this.#meminfo());
  }

  /** Memory that is online now. */
  get onlineBytes(): number {
    return [...this.#blocks.values()].filter((state) => state === 'online').length * this.#blockBytes;
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
   */
  addModule(sizeBytes: number, options: { online?: boolean } = {}): ModuleSim {
    const count = Math.floor(sizeBytes / this.#blockBytes);
    const blocks = Array.from({ length: count }, (_, index) => this.#nextBlock + index);
    this.#nextBlock += count;
    this.#modules += 1;
    for (const block of blocks) {
      this.#blocks.set(block, 'offline');
      this.#tell('add', block);
    }
    if (options.online ?? true) {
      for (const block of blocks) this.#blocks.set(block, 'online');
      for (const block of blocks) this.#tell('online', block);
    }
    return { id: `module${this.#modules}`, blocks };
  }

  /** Takes a module out; its blocks go offline first. */
  removeModule(module: ModuleSim): void {
    for (const block of module.blocks) {
      this.#blocks.set(block, 'offline');
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
    const block = /\/memory(\d+)\/state$/.exec(path)?.[1];
    if (block !== undefined && this.#blocks.has(Number(block))) {
      const state = text.startsWith('online') ? 'online' : 'offline';
      this.#blocks.set(Number(block), state);
      this.#tell(state, Number(block));
      return;
    }
    if (!this.#files.has(path)) throw missing(path);
    this.set(path, text);
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
    const found = /^\/sys\/devices\/system\/memory\/memory(\d+)\/state$/.exec(path)?.[1];
    const state = found === undefined ? undefined : this.#blocks.get(Number(found));
    return state === undefined ? undefined : `${state}\n`;
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
  return Object.assign(new Error(`ENOENT: no such file or directory, '${path}'`), { code: 'ENOENT' });
}
