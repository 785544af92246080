// A memory module in the box of a simulated server, and the service processor, which alone decides which
// partition it belongs to (N3). Source: "Dynamic Hardware Partitioning Architecture" (Windows drivers).
import { formatBytes } from '../core/bytes.ts';
import { HotaddError } from '../core/errors.ts';

export interface ModuleOptions {
  /** The NUMA node that firmware gives its memory. Default: 0. */
  readonly node?: number;
  /** How much of it starts: less than its size is a partial add, 0 parks it (N7). Default: all. */
  readonly startsBytes?: number;
}

export class ModuleSim {
  /** Unique in the server: `module1`. */
  readonly id: string;
  readonly sizeBytes: number;
  readonly node: number;
  /** May change: a module that is mended starts when its partition does. */
  startsBytes: number;

  constructor(id: string, sizeBytes: number, options: ModuleOptions) {
    this.id = id;
    this.sizeBytes = sizeBytes;
    this.node = options.node ?? 0;
    this.startsBytes = Math.min(sizeBytes, options.startsBytes ?? sizeBytes);
  }
}

/** The map of modules to partitions. It outlasts restarts of partitions and of the server (N10). */
export class ServiceProcessorSim {
  readonly #owners = new Map<ModuleSim, string | null>();

  /** All modules in the box. */
  get modules(): readonly ModuleSim[] {
    return [...this.#owners.keys()];
  }

  /** The name of the partition that has it; `null`: it is a spare. */
  ownerOf(module: ModuleSim): string | null {
    return this.#owners.get(module) ?? null;
  }

  /** Modules of one partition, in the order in which they came. */
  modulesOf(partition: string): ModuleSim[] {
    return [...this.#owners].flatMap(([module, owner]) => (owner === partition ? [module] : []));
  }

  /** A module comes into the box. */
  install(module: ModuleSim): void {
    this.#owners.set(module, null);
  }

  /** @throws HotaddError HOTADD_UNSUPPORTED when it belongs to a partition already (N3). */
  assign(module: ModuleSim, partition: string): void {
    this.mustBeSpare(module);
    this.#owners.set(module, partition);
  }

  /** All of them, or none. @throws HotaddError HOTADD_UNSUPPORTED when one is not a spare. */
  assignAll(modules: readonly ModuleSim[], partition: string): void {
    for (const module of modules) this.mustBeSpare(module);
    for (const module of modules) this.#owners.set(module, partition);
  }

  /** @throws HotaddError HOTADD_UNSUPPORTED */
  mustBeSpare(module: ModuleSim): void {
    const owner = this.#owners.get(module);
    if (owner === undefined) throw refused(module, 'is not in this server', 'make it with server.module()');
    if (owner !== null)
      throw refused(module, `belongs to ${owner}`, 'a module belongs to one partition at most');
  }

  /** It is a spare again. */
  release(module: ModuleSim): void {
    this.#owners.set(module, null);
  }
}

export function refused(module: ModuleSim, problem: string, mend: string): HotaddError {
  return new HotaddError('HOTADD_UNSUPPORTED', problem, { place: module.id, mend });
}

/** Why nothing of a module starts, where memory comes in blocks of so many bytes. */
export function whyNotStarted({ startsBytes }: ModuleSim, blockBytes: number): string {
  if (startsBytes === 0) return 'it failed to start';
  const block = formatBytes(blockBytes);
  return `${formatBytes(startsBytes)} of it start, less than one block of ${block} (blockBytes)`;
}
