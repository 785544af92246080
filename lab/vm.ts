// A guest, and everything that can be done to it: from the platform's side (modules, virtio-mem, balloon) and
// from inside (files, programs, hotadd itself).
import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { basename, resolve } from 'node:path';
import type { Door, GuestProcess, RunOptions, RunResult } from './door.ts';
import { HOTADD_BIN } from './image/hotadd-package.ts';
import type { Kernel } from './image/kernel.ts';
import { collectModules } from './image/kernel-modules.ts';
import { LabError } from './lab-error.ts';
import { type MemoryModule, Modules, type Removal } from './modules.ts';
import type { Qemu } from './qemu.ts';
import type { Qmp } from './qmp.ts';

/**
 * A program of the guest: its command line, or a JavaScript or TypeScript file of this machine, which is
 * copied and run by the guest's Node.
 */
export type Program = readonly string[] | { readonly file: string; readonly arguments?: readonly string[] };

export interface VmParts {
  readonly qemu: Qemu;
  readonly qmp: Qmp;
  readonly door: Door;
  readonly kernel: Kernel;
}

export class Vm {
  readonly #parts: VmParts;
  readonly #modules: Modules;
  #closed: Promise<void> | null = null;
  readonly virtioMem: {
    /** Asks the guest to take or give back memory, in steps of 2 MiB; it follows when it can. Bytes. */
    request(bytes: number): Promise<void>;
    /** What the guest has taken, by QEMU's word. Bytes. */
    plugged(): Promise<number>;
  };
  readonly balloon: {
    /** Blows up or lets out the balloon until the guest has so much memory left. Bytes. */
    set(bytes: number): Promise<void>;
  };

  constructor(parts: VmParts) {
    this.#parts = parts;
    this.#modules = new Modules(parts.qmp, this);
    const { qmp } = parts;
    this.virtioMem = {
      request: async (bytes) => {
        const path = '/machine/peripheral/virtio-mem';
        await this.#told(qmp.run('qom-set', { path, property: 'requested-size', value: bytes }));
      },
      plugged: async () => {
        const devices = (await qmp.run('query-memory-devices')) as MemoryDevice[];
        return devices.find(({ type }) => type === 'virtio-mem')?.data.size ?? 0;
      },
    };
    this.balloon = {
      set: async (bytes) => {
        await qmp.run('balloon', { value: bytes });
      },
    };
  }

  /** `6.1.0-56-cloud-amd64`. */
  get kernelRelease(): string {
    return this.#parts.kernel.release;
  }

  /** What the guest's kernel has printed: OOM kills and refusals are here. */
  get console(): string {
    return this.#parts.qemu.console;
  }

  get pid(): number {
    return this.#parts.qemu.pid;
  }

  /** QEMU's monitor, for what the lab has no method for. */
  get qmp(): Qmp {
    return this.#parts.qmp;
  }

  /**
   * Plugs in a memory module (a DIMM) and resolves when the guest's kernel shows its blocks, and has brought
   * them online where its policy is to do so.
   * @param bytes a multiple of the guest's block size, 128 MiB.
   * @param options.node NUMA node; default 0.
   * @param options.wait false: resolves when the platform has taken the module.
   */
  addModule(bytes: number, options: { node?: number; wait?: boolean } = {}): Promise<MemoryModule> {
    return this.#told(this.#modules.add(bytes, options));
  }

  /**
   * Asks the guest to let go of a module, and resolves with what came of it: a guest may refuse. While it
   * moves what is in the module this can take long, and the kernel may kill for it.
   */
  removeModule(module: MemoryModule, options: { timeoutMs?: number } = {}): Promise<Removal> {
    return this.#told(this.#modules.remove(module, options));
  }

  async read(path: string): Promise<string> {
    return (await this.#parts.door.ask({ do: 'read', path })) as string;
  }

  async write(path: string, text: string, options: { mode?: number } = {}): Promise<void> {
    await this.#parts.door.write(path, text, options.mode ?? 0o644, 'utf8');
  }

  async list(path: string): Promise<string[]> {
    return (await this.#parts.door.ask({ do: 'list', path })) as string[];
  }

  async makeFolder(path: string): Promise<void> {
    await this.#parts.door.ask({ do: 'makeFolder', path });
  }

  /** MemTotal, bytes: what the guest's kernel manages now. */
  async memTotalBytes(): Promise<number> {
    const kibibytes = /^MemTotal:\s+(\d+) kB$/m.exec(await this.read('/proc/meminfo'))?.[1];
    if (kibibytes === undefined) throw new LabError('/proc/meminfo of the guest has no MemTotal');
    return Number(kibibytes) * 1024;
  }

  /** The guest's monotonic clock, microseconds (CLOCK_MONOTONIC). */
  async clockUs(): Promise<number> {
    return (await this.#parts.door.ask({ do: 'clock' })) as number;
  }

  /** Runs a program to its end. It fails only when the program cannot be started or takes too long. */
  async run(program: Program, options: RunOptions = {}): Promise<RunResult> {
    const argv = await this.#commandLine(program);
    const { timeoutMs, ...rest } = options;
    return (await this.#parts.door.ask({ do: 'run', argv, ...rest }, timeoutMs)) as RunResult;
  }

  /** Starts a program that goes on. */
  async start(program: Program, options: RunOptions = {}): Promise<GuestProcess> {
    return this.#parts.door.start(await this.#commandLine(program), options);
  }

  /**
   * A program that was started while the guest was prepared (OpenOptions.prepared).
   * @throws LabError when none has that number.
   */
  process(pid: number): GuestProcess {
    const found = this.#parts.door.process(pid);
    if (found === null) throw new LabError(`nothing was started in the guest as process ${pid}`);
    return found;
  }

  /** Runs one line of shell; rejects when it fails. @returns what it printed. */
  async shell(line: string, options: RunOptions = {}): Promise<string> {
    const { code, signal, stdout, stderr } = await this.run(['sh', '-c', line], options);
    if (code === 0) return stdout;
    throw new LabError(`guest: ${line}: ended with ${signal ?? code}: ${stdout}${stderr}`);
  }

  /** Runs hotadd, as built, to its end: `vm.hotadd(['memory', '--json'])`. */
  hotadd(words: readonly string[], options: RunOptions = {}): Promise<RunResult> {
    return this.run(['node', HOTADD_BIN, ...words], options);
  }

  /** Starts hotadd and lets it run: `vm.startHotadd(['run', '--config', '/tmp/hotadd.yaml'])`. */
  startHotadd(words: readonly string[], options: RunOptions = {}): Promise<GuestProcess> {
    return this.start(['node', HOTADD_BIN, ...words], options);
  }

  /** One HTTP request to a Unix socket in the guest, such as the agent's. */
  async http(
    socket: string,
    path: string,
    options: { method?: string; body?: string; timeoutMs?: number } = {},
  ): Promise<{ status: number; body: string }> {
    const { timeoutMs, method = 'GET', body } = options;
    const answer = await this.#parts.door.ask({ do: 'http', socket, path, method, body }, timeoutMs);
    return answer as { status: number; body: string };
  }

  /** Loads a module of the guest's kernel, with what it needs. @throws LabError when the kernel has none. */
  async loadModule(name: string): Promise<void> {
    const modules = collectModules(this.#parts.kernel.modules, [name]);
    if (modules.length === 0) throw new LabError(`kernel ${this.kernelRelease} has no module ${name}`);
    const loaded = await this.read('/proc/modules');
    for (const module of modules) {
      if (new RegExp(`^${module.name} `, 'm').test(loaded)) continue;
      const path = `/tmp/${module.name}.ko`;
      await this.#parts.door.write(path, module.data.toString('base64'), 0o644, 'base64');
      await this.shell(`insmod ${path} && rm ${path}`);
    }
  }

  /**
   * Waits until a condition holds; rejects with what it was last.
   * @param what for people: "MemTotal is 1 GiB more".
   */
  async until<Value>(
    what: string,
    read: () => Promise<Value>,
    holds: (value: Value) => boolean,
    { timeoutMs = 20_000 } = {},
  ): Promise<Value> {
    const giveUpAt = performance.now() + timeoutMs;
    for (;;) {
      const value = await read();
      if (holds(value)) return value;
      if (performance.now() > giveUpAt) {
        const last = JSON.stringify(value)?.slice(0, 2_000);
        throw new LabError(`not within ${timeoutMs} ms: ${what}; last: ${last}`, { console: this.console });
      }
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  }

  /** Ends the guest at once; nothing is left of it. */
  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #close(): Promise<void> {
    const { qemu, qmp, door } = this.#parts;
    await qemu.kill();
    const error = new LabError('the guest has been closed');
    qmp.end(error);
    door.end(error);
  }

  async #commandLine(program: Program): Promise<readonly string[]> {
    if (!('file' in program)) return program;
    const path = `/tmp/${randomUUID().slice(0, 8)}-${basename(program.file)}`;
    await this.write(path, readProgram(program.file));
    return ['node', path, ...(program.arguments ?? [])];
  }

  /** An error tells what the guest's kernel said last. */
  async #told<Value>(work: Promise<Value>): Promise<Value> {
    try {
      return await work;
    } catch (cause) {
      if (!(cause instanceof LabError)) throw cause;
      throw new LabError(cause.message, { console: this.console, cause });
    }
  }
}

function readProgram(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (cause) {
    throw new LabError(`the program ${resolve(file)} cannot be read`, { cause });
  }
}

interface MemoryDevice {
  readonly type: string;
  readonly data: { readonly size: number };
}
