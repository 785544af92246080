// A simulated machine: the kernel's files in memory, memory that is added and removed while it runs, software
// that uses it, and the uevents and hints that go with them. The production sensor reads it like a real one.
// The twin of MachineOs (host/); a whole server, with modules and partitions, is ServerSim.
import type { Holder, Lock, LockRequest } from '../core/lock.ts';
import type { Machine, Uevent } from '../core/machine.ts';
import { FilesSim, kernelError } from './files-sim.ts';
import { addKernelFiles, BLOCK_FILE, blockText, MEMORY_FOLDER } from './kernel-files-sim.ts';
import type { MachineSimOptions } from './machine-sim-options.ts';
import { type BlockStateSim, MemorySim, type RangeSim, type ZoneSim } from './memory-sim.ts';
import { SoftwareSim } from './software-sim.ts';

export type { MachineSimOptions } from './machine-sim-options.ts';

const MiB = 1024 * 1024;
const CEILING = 16;

/** The machine that a partition runs on, or one alone: production code reads it like a real one. */
export class MachineSim implements Machine {
  /** How many it has. */
  readonly cpus: number;
  /** @internal Of the server, or of production code. */
  readonly memory: MemorySim;
  /** @internal Of the server, or of production code. */
  readonly software: SoftwareSim;
  /** The kernel's code with which reading a path fails; `undefined`: it does not. */
  fails: ((path: string) => string | undefined) | null = null;
  readonly #options: MachineSimOptions;
  readonly #files = new FilesSim();
  readonly #hints = new Map<string, Set<() => void>>();
  readonly #listeners = new Set<{ onUevent: (uevent: Uevent) => void; onLost: () => void }>();
  readonly #locks = new Map<string, { holder: Holder; gone: PromiseWithResolvers<void> }>();

  /** A machine that runs. */
  constructor(options: MachineSimOptions) {
    this.#options = options;
    this.cpus = options.cpus ?? 2;
    const blockBytes = options.blockBytes ?? 128 * MiB;
    const boot = (options.nodes ?? [{ bytes: options.bootBytes }]).map(({ bytes }, node) => {
      return { blocks: Math.ceil(bytes / blockBytes), node };
    });
    const ceilingBytes = options.ceilingBytes ?? CEILING * options.bootBytes;
    this.memory = new MemorySim({ blockBytes, boot, mostBlocks: Math.floor(ceilingBytes / blockBytes) });
    this.software = new SoftwareSim({
      onlineBytes: () => this.memory.onlineBytes,
      otherBytes: options.usedBytes ?? (() => 0),
      monotonicMs: options.monotonicMs ?? (() => 0),
    });
    if (options.kernelFiles === false) return;
    addKernelFiles(this.#files, this, {
      machineId: options.machineId ?? '0123456789abcdef0123456789abcdef',
      bootId: options.bootId ?? '00000000-0000-4000-8000-000000000001',
      tellsNodes: options.nodes !== undefined,
      onFile: (path) => this.#hint(path),
    });
  }

  /** Memory that is online now. */
  get onlineBytes(): number {
    return this.memory.onlineBytes;
  }

  /** Puts a file in place, or changes it, as another program would. */
  set(path: string, text: string): void {
    this.#files.set(path, { read: () => text });
    this.#hint(path);
  }

  /** Takes a file or a folder away. */
  remove(path: string): void {
    this.#files.remove(path);
    this.#hint(path);
    this.#hint(path.slice(0, path.lastIndexOf('/')));
  }

  /**
   * Adds memory to the running machine, as a module does that is plugged in. As on Linux all blocks are added
   * first and then brought online, each with its own uevent; memory can be used before anybody hears of it
   * (N8).
   * @param options.zone where its memory goes when it comes online by itself; default: `Normal`.
   * @throws Error ENOSPC when the ranges declared at boot are full (N6).
   */
  addMemory(sizeBytes: number, options: { online?: boolean; zone?: ZoneSim; node?: number } = {}): RangeSim {
    const count = Math.floor(sizeBytes / this.memory.blockBytes);
    const range = this.memory.add(count, options.zone ?? 'Normal', options.node ?? 0);
    if (range === null) throw kernelError('ENOSPC', MEMORY_FOLDER);
    for (const block of range.blocks) this.#tell('add', block);
    if (options.online ?? true) {
      for (const block of range.blocks) this.memory.setState(block, 'online');
      for (const block of range.blocks) this.#tell('online', block);
    }
    return range;
  }

  /** Puts a block into a zone: on a PC what lies below 4 GiB is in DMA32. */
  setZone(block: number, zone: ZoneSim): void {
    this.memory.setZone(block, zone);
  }

  /** Takes memory out that `addMemory` gave; its blocks go offline first. */
  removeMemory(range: RangeSim): void {
    if (!this.memory.holds(range)) return;
    for (const block of range.blocks) {
      if (this.memory.blocks.get(block)?.state === 'offline') continue;
      this.#setState(block, 'offline');
      this.#tell('offline', block);
    }
    this.memory.remove(range);
    for (const block of range.blocks) this.#tell('remove', block);
  }

  /** Why a block would not go offline now, in the kernel's code; `undefined`: it goes. */
  refusal(block: number): string | undefined {
    return this.memory.blocks.get(block)?.zone === 'none' ? 'EINVAL' : this.#options.refuses?.(block);
  }

  /** @internal Of the server, or of production code. */
  readText(path: string): string {
    this.#mayFail(path);
    const [, number, file] = BLOCK_FILE.exec(path) ?? [];
    const block = number === undefined ? undefined : this.memory.blocks.get(Number(number));
    if (block !== undefined && file !== undefined) return blockText(block, file);
    const found = this.#files.get(path);
    if (found === undefined) throw kernelError('ENOENT', path);
    return found.read();
  }

  /** @internal Of the server, or of production code. */
  list(path: string): string[] {
    this.#mayFail(path);
    const names = this.#files.list(path);
    if (names === undefined) throw kernelError('ENOENT', path);
    if (path !== MEMORY_FOLDER) return names;
    return [...names, ...[...this.memory.blocks.keys()].map((block) => `memory${block}`)];
  }

  /** @internal Of the server, or of production code. */
  inode(path: string): number {
    this.#mayFail(path);
    const inode = this.#files.inode(path);
    if (inode === undefined) throw kernelError('ENOENT', path);
    return inode;
  }

  /** @internal Of the server, or of production code. */
  writeText(path: string, text: string): void {
    const block = this.#blockOf(path);
    if (block !== null) {
      this.#mustTake(path, block, text);
      this.#setBlock(path, block, text);
      return;
    }
    const file = this.#files.get(path);
    if (file === undefined) throw kernelError('ENOENT', path);
    if (file.write === undefined) this.set(path, text);
    else file.write(text);
  }

  /** @internal Of the server, or of production code. */
  async writeTextSlowly(path: string, text: string): Promise<void> {
    const block = this.#blockOf(path);
    if (block === null || text !== 'offline') return this.writeText(path, text);
    this.#mustTake(path, block, text);
    this.memory.setState(block, 'going-offline');
    await this.#options.offlining?.(block);
    this.memory.setState(block, 'online');
    this.#setBlock(path, block, text);
  }

  #blockOf(path: string): number | null {
    const [, number, file] = BLOCK_FILE.exec(path) ?? [];
    const block = Number(number ?? Number.NaN);
    return file === 'state' && this.memory.blocks.has(block) ? block : null;
  }

  /** As the kernel: a word that it does not know, or for a block that is so already, is EINVAL. */
  #mustTake(path: string, block: number, text: string): void {
    const wanted = /^online(_kernel|_movable)?$/.test(text) ? 'online' : text;
    const known = wanted === 'online' || wanted === 'offline';
    if (!known || this.memory.blocks.get(block)?.state === wanted) throw kernelError('EINVAL', path);
  }

  #setBlock(path: string, block: number, text: string): void {
    const state = text === 'offline' ? 'offline' : 'online';
    const code = state === 'offline' ? this.refusal(block) : undefined;
    if (code !== undefined) throw kernelError(code, path);
    this.#setState(block, state);
    if (text === 'online_movable') this.memory.setZone(block, 'Movable');
    if (text === 'online_kernel') this.memory.setZone(block, 'Normal');
    this.#tell(state, block);
  }

  /** Less memory than is in use kills. */
  #setState(block: number, state: BlockStateSim): void {
    this.memory.setState(block, state);
    if (state === 'offline') this.software.pressed();
  }

  /** @internal Of the server, or of production code. */
  watch(path: string, onHint: () => void): () => void {
    const hints = this.#hints.get(path) ?? new Set();
    this.#hints.set(path, hints);
    hints.add(onHint);
    return () => hints.delete(onHint);
  }

  /** @internal Of the server, or of production code. */
  uevents(
    onUevent: (uevent: Uevent) => void,
    onLost: () => void = () => {},
  ): (() => void) | { unavailable: string } {
    if (this.#options.kernelFiles === false)
      return { unavailable: 'this system has no uevents: memory is polled' };
    const listener = { onUevent, onLost };
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** @internal Of the server, or of production code. */
  async lock(identity: string, request: LockRequest = {}): Promise<Lock | { readonly heldBy: Holder }> {
    const { program = 'a test', processes = 1 } = request;
    const held = this.#locks.get(identity);
    if (held !== undefined) {
      if (processes === 1 || held.holder.processes !== processes) return { heldBy: held.holder };
      return { identity, holderGone: held.gone.promise, release: async () => {} };
    }
    const holder = { pid: null, program, since: null, ...(processes > 1 ? { processes } : {}) };
    const own = { holder, gone: Promise.withResolvers<void>() };
    this.#locks.set(identity, own);
    return {
      identity,
      release: async () => {
        if (this.#locks.get(identity) === own) this.#locks.delete(identity);
        own.gone.resolve();
      },
    };
  }

  /** @internal Of the server, or of production code. */
  dropLocks(): void {
    const held = [...this.#locks.values()];
    this.#locks.clear();
    for (const { gone } of held) gone.resolve();
  }

  /** @internal Of the server, or of production code. */
  totalMemoryBytes(): number {
    return this.onlineBytes;
  }

  #mayFail(path: string): void {
    const code = this.fails?.(path);
    if (code !== undefined) throw kernelError(code, path);
  }

  #tell(action: string, block: number): void {
    const uevent = { action, path: `/devices/system/memory/memory${block}`, subsystem: 'memory' };
    for (const listener of this.#listeners) {
      const tell = () => {
        if (this.#listeners.has(listener)) listener.onUevent(uevent);
      };
      if (this.#options.delivery === undefined) tell();
      else this.#options.delivery.uevent(tell, listener.onLost);
    }
  }

  #hint(path: string): void {
    const tell = () => {
      for (const onHint of this.#hints.get(path) ?? []) onHint();
    };
    if (this.#options.delivery === undefined) tell();
    else this.#options.delivery.hint(path, tell);
  }
}
