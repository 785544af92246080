// Reads and writes the kernel's files, as they are or below a root that holds a captured machine (S7).
// Read this when a file is read too slowly, or a captured tree behaves unlike the machine it came from.
import {
  accessSync,
  closeSync,
  constants,
  opendirSync,
  openSync,
  readdirSync,
  readSync,
  statSync,
  writeSync,
} from 'node:fs';
import { open } from 'node:fs/promises';
import { join, normalize } from 'node:path/posix';

// A read on a file held open costs a tenth of open + read + close. A kernel file read again from position 0
// is made anew by the kernel, and a file of a removed cgroup answers ENODEV, so holding one open never shows
// the past. Ordinary files (a captured tree) may be replaced by name, and are opened each time.
const HELD_OPEN = /^\/(?:proc|sys\/fs\/cgroup)\//;
const HELD_FILES = 64;

let buffer = Buffer.allocUnsafe(64 * 1024);

// An attribute of sysfs is at most a page and comes in one read (Documentation/filesystems/sysfs.rst); a file
// of /proc may come in several, each shorter than asked.
const ONE_READ = /^\/sys\/devices\//;
// Names per system call, and per slice of the loop.
const NAMES_AT_ONCE = 512;
const HAS_DOTS = /\/(?:\.|\/)/;

/** The text of an open file from its start. */
function readWhole(fd: number, oneRead = false): string {
  let length = 0;
  for (;;) {
    if (length === buffer.length) buffer = Buffer.concat([buffer], buffer.length * 2);
    const asked = buffer.length - length;
    const read = readSync(fd, buffer, length, asked, length);
    length += read;
    if (read === 0 || (oneRead && read < asked)) return buffer.toString('utf8', 0, length);
  }
}

export class KernelFiles {
  readonly #root: string | null;
  readonly #held = new Map<string, number>();
  #closed = false;

  constructor(root: string | null) {
    this.#root = root;
  }

  /** Where a path of the machine is on this disk; never outside the root, whatever a captured file says. */
  place(path: string): string {
    if (this.#root === null) return path;
    if (path.startsWith('/') && !HAS_DOTS.test(path)) return this.#root + path;
    return join(this.#root, normalize(`/${path}`));
  }

  readText(path: string): string {
    if (this.#root === null && !this.#closed && HELD_OPEN.test(path)) return this.#readHeld(path);
    const fd = openSync(this.place(path), 'r');
    try {
      return readWhole(fd, ONE_READ.test(path));
    } finally {
      closeSync(fd);
    }
  }

  *walk(path: string): Iterable<string> {
    const folder = opendirSync(this.place(path), { bufferSize: NAMES_AT_ONCE });
    try {
      for (let entry = folder.readSync(); entry !== null; entry = folder.readSync()) yield entry.name;
    } finally {
      folder.closeSync();
    }
  }

  list(path: string): string[] {
    return readdirSync(this.place(path));
  }

  inode(path: string): number {
    return statSync(this.place(path)).ino;
  }

  writeText(path: string, text: string): void {
    const fd = openSync(this.place(path), this.#writeFlags);
    try {
      writeSync(fd, text);
    } finally {
      closeSync(fd);
    }
  }

  /** Works in a thread of the pool, which the kernel may keep for as long as it likes. */
  async writeTextSlowly(path: string, text: string): Promise<void> {
    const file = await open(this.place(path), this.#writeFlags);
    try {
      await file.write(text);
    } finally {
      await file.close();
    }
  }

  mayWrite(path: string): void {
    accessSync(this.place(path), constants.W_OK);
  }

  /** Holds no file open from here on. */
  close(): void {
    this.#closed = true;
    for (const fd of this.#held.values()) closeSync(fd);
    this.#held.clear();
  }

  /**
   * Without O_CREAT: a control file that is not there is an error, not a new file. The kernel's files need no
   * truncation, which would be one more inotify event.
   */
  get #writeFlags(): number {
    return constants.O_WRONLY | (this.#root === null ? 0 : constants.O_TRUNC);
  }

  #readHeld(path: string): string {
    const held = this.#held.get(path);
    if (held !== undefined) {
      this.#held.delete(path);
      try {
        const text = readWhole(held);
        this.#held.set(path, held);
        return text;
      } catch {
        // Its cgroup or process is gone; the path may name another one by now, or tell why not.
        closeSync(held);
      }
    }
    const fd = openSync(path, 'r');
    try {
      const text = readWhole(fd);
      this.#hold(path, fd);
      return text;
    } catch (thrown) {
      closeSync(fd);
      throw thrown;
    }
  }

  #hold(path: string, fd: number): void {
    this.#held.set(path, fd);
    if (this.#held.size <= HELD_FILES) return;
    for (const [oldest, oldFd] of this.#held) {
      this.#held.delete(oldest);
      closeSync(oldFd);
      return;
    }
  }
}
