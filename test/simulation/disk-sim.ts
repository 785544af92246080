// A simulated disk for the agent's own files: it fails on request, and a power cut takes what was not synced:
// the end of a file, and the names in a folder. The twin of diskOs (src/agent/disk.ts).
import { constants } from 'node:fs';
import { dirname } from 'node:path';
import type { Disk, DiskHandle, Standing } from '../../src/agent/disk.ts';
import { presentUser } from '../../src/agent/safe-file.ts';
import type { Clock } from '../../src/core/clock.ts';
import type { RandomSim } from '../../src/testing/random-sim.ts';

class FileSim {
  readonly ino: number;
  readonly isFolder: boolean;
  bytes: Uint8Array = new Uint8Array(0);
  synced: Uint8Array = new Uint8Array(0);

  constructor(ino: number, isFolder: boolean) {
    this.ino = ino;
    this.isFolder = isFolder;
  }
}

export class DiskSim implements Disk {
  /** The code with which writes and syncs fail now; `null`: they do not. */
  fails: string | null = null;
  /** When something failed last. */
  failedAtMs = Number.NEGATIVE_INFINITY;
  readonly #clock: Clock;
  #names = new Map<string, FileSim>();
  #syncedNames = new Map<string, FileSim>();
  #inodes = 1;

  constructor(clock: Clock) {
    this.#clock = clock;
    for (const folder of ['/', '/state']) this.#make(folder, true);
    this.#syncedNames = new Map(this.#names);
  }

  /** What would be there after a power cut. */
  syncedText(path: string): string {
    const file = this.#syncedNames.get(path);
    return file === undefined ? '' : new TextDecoder().decode(file.synced);
  }

  /** The machine loses power: of what was not synced, a first part may be there. */
  cutPower(random: RandomSim): void {
    this.#names = new Map(this.#syncedNames);
    for (const file of this.#names.values()) {
      const { bytes, synced } = file;
      const grew = bytes.length > synced.length && startsWith(bytes, synced);
      const kept = grew ? random.between(synced.length, bytes.length) : synced.length;
      file.bytes = (grew ? bytes : synced).slice(0, kept);
      file.synced = file.bytes;
    }
  }

  async open(path: string, flags: number, _mode?: number): Promise<DiskHandle> {
    let file = this.#names.get(path);
    if (file === undefined) {
      if ((flags & constants.O_CREAT) === 0) throw failure('ENOENT', path);
      this.#mayWrite(path);
      file = this.#make(path, false);
    }
    if (flags & constants.O_TRUNC) file.bytes = new Uint8Array(0);
    return this.#handle(path, file);
  }

  async writeFile(path: string, text: string, { flush }: { flush: boolean }): Promise<void> {
    this.#mayWrite(path);
    const file = this.#names.get(path) ?? this.#make(path, false);
    file.bytes = new TextEncoder().encode(text);
    if (flush) file.synced = file.bytes;
  }

  async mkdir(path: string): Promise<string | undefined> {
    if (this.#names.has(path)) return undefined;
    this.#mayWrite(path);
    this.#make(path, true);
    return path;
  }

  async rename(from: string, to: string): Promise<void> {
    this.#mayWrite(to);
    const file = this.#names.get(from);
    if (file === undefined) throw failure('ENOENT', from);
    this.#names.delete(from);
    this.#names.set(to, file);
  }

  async rm(path: string): Promise<void> {
    this.#names.delete(path);
  }

  async stat(path: string): Promise<Standing> {
    const file = this.#names.get(path);
    if (file === undefined) throw failure('ENOENT', path);
    return standingOf(file);
  }

  lstat(path: string): Promise<Standing> {
    return this.stat(path);
  }

  async access(): Promise<void> {}

  async realpath(path: string): Promise<string> {
    return path;
  }

  #make(path: string, isFolder: boolean): FileSim {
    const file = new FileSim(this.#inodes++, isFolder);
    this.#names.set(path, file);
    return file;
  }

  #mayWrite(path: string): void {
    if (this.fails === null) return;
    this.failedAtMs = this.#clock.monotonicMs();
    throw failure(this.fails, path);
  }

  #handle(path: string, file: FileSim): DiskHandle {
    let at = 0;
    return {
      read: async (buffer, offset, length, position) => {
        const from = position ?? at;
        const piece = file.bytes.subarray(from, from + length);
        buffer.set(piece, offset);
        at = from + piece.length;
        return { bytesRead: piece.length };
      },
      write: async (buffer, offset, length, position) => {
        this.#mayWrite(path);
        const grown = new Uint8Array(Math.max(file.bytes.length, position + length));
        grown.set(file.bytes);
        grown.set(buffer.subarray(offset, offset + length), position);
        file.bytes = grown;
        return { bytesWritten: length };
      },
      truncate: async (length) => {
        file.bytes = file.bytes.slice(0, length);
      },
      sync: async () => {
        this.#mayWrite(path);
        if (file.isFolder) this.#syncFolder(path);
        else file.synced = file.bytes;
      },
      stat: async () => standingOf(file),
      close: async () => {},
    };
  }

  #syncFolder(folder: string): void {
    for (const path of this.#syncedNames.keys())
      if (dirname(path) === folder && !this.#names.has(path)) this.#syncedNames.delete(path);
    for (const [path, file] of this.#names) if (dirname(path) === folder) this.#syncedNames.set(path, file);
  }
}

function standingOf({ bytes, ino, isFolder }: FileSim): Standing {
  return {
    size: bytes.length,
    ino,
    mode: isFolder ? 0o40700 : 0o100600,
    uid: presentUser() ?? 0,
    isFile: () => !isFolder,
    isDirectory: () => isFolder,
  };
}

function startsWith(bytes: Uint8Array, start: Uint8Array): boolean {
  return start.every((byte, index) => bytes[index] === byte);
}

function failure(code: string, path: string): Error {
  return Object.assign(new Error(`${code}: '${path}'`), { code });
}
