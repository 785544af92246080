// The limit files of one cgroup: read, write and check, with errors that name the file and the mend. What
// limit-v1.ts and limit-v2.ts have in common.
import { formatBytes } from '../core/bytes.ts';
import { pause } from '../core/clock.ts';
import { parseLimit } from '../core/control-group.ts';
import { HotaddError } from '../core/errors.ts';
import type { Limit } from '../core/memory.ts';
import { kernelRefusal, refusalCode } from './kernel-refusal.ts';
import type { LimitOptions } from './limit.ts';

export class LimitFiles {
  readonly #options: LimitOptions;

  constructor(options: LimitOptions) {
    this.#options = options;
  }

  get folder(): string {
    return this.#options.controlGroup.folder;
  }

  /** @throws HotaddError */
  read(name: string): Limit {
    const file = `${this.folder}/${name}`;
    try {
      return parseLimit(this.#options.machine.readText(file), file);
    } catch (thrown) {
      if (refusalCode(thrown) !== 'ENOENT') throw kernelRefusal(thrown, file);
      throw this.#missing(file, thrown);
    }
  }

  /** `null`: this kernel or cgroup does not have the file. */
  readIfAny(name: string): Limit | null {
    try {
      return parseLimit(this.#options.machine.readText(`${this.folder}/${name}`), `${this.folder}/${name}`);
    } catch (thrown) {
      if (refusalCode(thrown) === 'ENOENT') return null;
      throw kernelRefusal(thrown, `${this.folder}/${name}`);
    }
  }

  /**
   * Writes, and gives what the kernel made of it. Throws the kernel's own refusal, so that EBUSY can be told.
   */
  writeRaw(name: string, text: string): Limit {
    this.#options.machine.writeText(`${this.folder}/${name}`, text);
    return this.read(name);
  }

  /** @throws HotaddError */
  write(name: string, text: string): Limit {
    try {
      return this.writeRaw(name, text);
    } catch (thrown) {
      throw kernelRefusal(thrown, `${this.folder}/${name}`);
    }
  }

  /** As `writeRaw`, beside the loop: the kernel reclaims inside the write, for seconds. */
  async writeRawSlowly(name: string, text: string): Promise<Limit> {
    await this.#options.machine.writeTextSlowly(`${this.folder}/${name}`, text);
    return this.read(name);
  }

  /** As `write`, beside the loop. @throws HotaddError */
  async writeSlowly(name: string, text: string): Promise<Limit> {
    try {
      return await this.writeRawSlowly(name, text);
    } catch (thrown) {
      throw kernelRefusal(thrown, `${this.folder}/${name}`);
    }
  }

  /** Puts a value back after a failure, whose error is the one to tell. */
  tryWrite(name: string, text: string): void {
    try {
      this.writeRaw(name, text);
    } catch {
      // What is in force is read back by the caller's next reading.
    }
  }

  /** Before anybody gives anything up: what cannot be written at all. @throws HotaddError */
  needRight(name: string): void {
    const file = `${this.folder}/${name}`;
    try {
      this.#options.machine.mayWrite?.(file);
    } catch (thrown) {
      // A file that this kernel does not have is not needed.
      if (refusalCode(thrown) !== 'ENOENT') throw kernelRefusal(thrown, file);
    }
  }

  /** F2. @throws HotaddError HOTADD_OPERATION, or HOTADD_UNREADABLE: without a reading there is no proof. */
  needRoom(toBytes: number, headroomBytes: number): void {
    const used = this.#options.readUsedBytes();
    if (used === null) {
      throw new HotaddError('HOTADD_UNREADABLE', 'its real use cannot be read', { place: this.folder });
    }
    if (used + headroomBytes <= toBytes) return;
    throw new HotaddError(
      'HOTADD_OPERATION',
      `${formatBytes(used)} in use and ${formatBytes(headroomBytes)} to keep free ` +
        `do not fit ${formatBytes(toBytes)}`,
      { place: this.folder },
    );
  }

  hasRoom(toBytes: number, headroomBytes: number): boolean {
    const used = this.#options.readUsedBytes();
    return used !== null && used + headroomBytes <= toBytes;
  }

  monotonicMs(): number {
    return this.#options.clock.monotonicMs();
  }

  pause(delayMs: number, signal?: AbortSignal): Promise<void> {
    return pause(this.#options.clock, delayMs, signal);
  }

  /** Either the whole cgroup is gone, or it never had the memory controller. */
  #missing(file: string, cause: unknown): HotaddError {
    try {
      this.#options.machine.inode(this.folder);
    } catch {
      return new HotaddError('HOTADD_GONE', 'this cgroup is gone', { place: this.folder, cause });
    }
    return new HotaddError('HOTADD_UNSUPPORTED', 'this cgroup has no memory controller', {
      place: file,
      mend: 'write +memory to cgroup.subtree_control of the cgroup above it',
      cause,
    });
  }
}
