// A memory module in the box of a simulated server, and the service processor, which alone decides which
// partition it belongs to (N3). Source: "Dynamic Hardware Partitioning Architecture" (Windows drivers).
import { formatBytes } from '../core/bytes.ts';
import { HotaddError } from '../core/errors.ts';

/** What a module is like. */
export interface ModuleOptions {
  /** The NUMA node that firmware gives its memory. Default: 0. */
  readonly node?: number;
  /** How much of it starts: less than its size is a partial add, 0 parks it (N7). Default: all. */
  readonly startsBytes?: number;
}

/** A memory module in the box of a server. */
export class ModuleSim {
  /** Unique in the server: `module1`. */
  readonly id: string;
  /** Its size; what starts of it comes in whole blocks of its partition. */
  readonly sizeBytes: number;
  /** The NUMA node of its memory. */
  readonly node: number;
  /** May change: a module that is mended starts when its partition does. */
  startsBytes: number;

  /** @internal Of the server, or of production code. */
  constructor(id: string, sizeBytes: number, options: ModuleOptions) {
    this.id = id;
    this.sizeBytes = sizeBytes;
    this.node = options.node ?? 0;
    this.startsBytes = Math.min(sizeBytes, options.startsBytes ?? sizeBytes);
  }
}

/**
 * Who alone decides which partition a module belongs to: the map outlasts restarts of partitions and of
 * the server (N10).
 */
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

  /** @internal Of the server, or of production code. */
  install(module: ModuleSim): void {
    this.#owners.set(module, null);
  }

  /** @internal Of the server, or of production code. */
  assign(module: ModuleSim, partition: string): void {
    this.mustBeSpare(module);
    this.#owners.set(module, partition);
  }

  /** @internal Of the server, or of production code. */
  assignAll(modules: readonly ModuleSim[], partition: string): void {
    for (const module of modules) this.mustBeSpare(module);
    for (const module of modules) this.#owners.set(module, partition);
  }

  /** @internal Of the server, or of production code. */
  mustBeSpare(module: ModuleSim): void {
    const owner = this.#owners.get(module);
    if (owner === undefined) throw refused(module, 'is not in this server', 'make it with server.module()');
    if (owner !== null)
      throw refused(module, `belongs to ${owner}`, 'a module belongs to one partition at most');
  }

  /** @internal Of the server, or of production code. */
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
