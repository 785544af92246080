// A file of lines that outlasts a crash at any moment: history.ts says what is in the lines, this file says
// how they reach the disk. A line counts once it ends in a newline and was fsynced; what follows the last
// whole line is torn. One process writes (lock.ts).
//
//   append:   write at the known end -> fsync -> acknowledged        failed: cut back to the known end
//   replace:  write beside -> fsync -> rename -> fsync the folder    a crash leaves the old or the new, whole
import { constants } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { codeOf, HotaddError, messageOf } from '../core/errors.ts';
import { type Disk, type DiskHandle, diskOs } from './disk.ts';
import { checkSafe, checkSafeParent } from './safe-file.ts';

/** `endBytes`: where the line ends in the file, its newline included. */
export type OnLine = (line: string, number: number, endBytes: number) => void;

const READ_WRITE = constants.O_RDWR | constants.O_CREAT | constants.O_NONBLOCK;
const CHUNK_BYTES = 256 * 1024;
const NEWLINE = 10;
/** Torn pieces are kept for a person to look at, not for ever. */
const TORN_KEPT_BYTES = 1024 * 1024;

export class LineFile {
  readonly path: string;
  readonly #disk: Disk;
  #handle: DiskHandle;
  #size: number;
  /** True when bytes may stand after `#size` that were never acknowledged. */
  #overhang = false;

  private constructor(path: string, disk: Disk, handle: DiskHandle, size: number) {
    this.path = path;
    this.#disk = disk;
    this.#handle = handle;
    this.#size = size;
  }

  /**
   * Opens the file for its one writer; makes it, and its folder, when missing.
   * @throws HotaddError HOTADD_UNSAFE_FILE or HOTADD_HISTORY.
   */
  static async open(path: string, disk: Disk = diskOs): Promise<LineFile> {
    let handle: DiskHandle | null = null;
    try {
      const folder = dirname(path);
      const made = await disk.mkdir(folder, { recursive: true, mode: 0o700 });
      if (made !== undefined) await syncFolder(disk, dirname(resolve(made)));
      checkSafe(folder, await disk.stat(folder));
      await checkSafeParent(folder, disk);
      await disk.rm(`${path}.new`, { force: true });
      handle = await disk.open(path, READ_WRITE, 0o600);
      const standing = await handle.stat();
      if (!standing.isFile()) throw new Error('it is not a regular file');
      checkSafe(path, standing);
      // Also when the file was there: whoever made it may have died before its name was on disk.
      await syncFolder(disk, folder);
      return new LineFile(path, disk, handle, standing.size);
    } catch (thrown) {
      await handle?.close();
      throw historyError(path, 'cannot be opened', thrown);
    }
  }

  /** Bytes that count. */
  get size(): number {
    return this.#size;
  }

  /** Every line from the start, with what is left after the last newline as `torn`. */
  async readLines(onLine: OnLine): Promise<{ torn: Uint8Array }> {
    return scanLines(this.#handle, this.#size, onLine);
  }

  /** Resolves when the lines are on disk. When it rejects, none of them is in the file. */
  async append(lines: readonly string[]): Promise<void> {
    const bytes = Buffer.from(lines.map((line) => `${line}\n`).join(''));
    try {
      const here = await this.#disk.stat(this.path);
      if (here.ino !== (await this.#handle.stat()).ino) throw new Error('it was replaced by somebody else');
      if (this.#overhang) await this.#cutBack();
      this.#overhang = true;
      await writeAll(this.#handle, bytes, this.#size);
      await this.#handle.sync();
      this.#size += bytes.length;
      this.#overhang = false;
    } catch (thrown) {
      if (this.#overhang) await this.#cutBack().catch(() => {});
      throw historyError(this.path, 'cannot be written', thrown);
    }
  }

  /** Takes everything after `keepBytes` out of the file and keeps it beside, in `<file>.torn`. */
  async setAside(keepBytes: number): Promise<{ bytes: number; file: string }> {
    const file = `${this.path}.torn`;
    try {
      const piece = new Uint8Array(this.#size - keepBytes);
      const length = await readAll(this.#handle, piece, keepBytes);
      await keepBeside(this.#disk, file, piece.subarray(0, length));
      await syncFolder(this.#disk, dirname(this.path));
      await this.#handle.truncate(keepBytes);
      await this.#handle.sync();
      this.#size = keepBytes;
      return { bytes: length, file };
    } catch (thrown) {
      throw historyError(this.path, 'its torn last line cannot be set aside', thrown);
    }
  }

  /**
   * Puts other lines in the place of all. A crash at any step leaves either the old lines or the new ones.
   */
  async replace(lines: Iterable<string>): Promise<void> {
    const beside = `${this.path}.new`;
    let handle: DiskHandle | null = null;
    try {
      handle = await this.#disk.open(beside, READ_WRITE | constants.O_TRUNC, 0o600);
      let size = 0;
      for (const line of lines) {
        const bytes = Buffer.from(`${line}\n`);
        await writeAll(handle, bytes, size);
        size += bytes.length;
      }
      await handle.sync();
      await this.#disk.rename(beside, this.path);
      const old = this.#handle;
      this.#handle = handle;
      this.#size = size;
      this.#overhang = false;
      handle = null;
      await old.close();
      await syncFolder(this.#disk, dirname(this.path));
    } catch (thrown) {
      await handle?.close().catch(() => {});
      await this.#disk.rm(beside, { force: true }).catch(() => {});
      throw historyError(this.path, 'cannot be made smaller', thrown);
    }
  }

  async close(): Promise<void> {
    await this.#handle.close();
  }

  // An fsync that failed says nothing about what is on disk, so such a line is cut away like a half-written
  // one.
  async #cutBack(): Promise<void> {
    await this.#handle.truncate(this.#size);
    await this.#handle.sync();
    this.#overhang = false;
  }
}

/** The lines of a file from its start up to `endBytes`, in pieces that keep memory small. */
export async function scanLines(
  handle: Pick<DiskHandle, 'read'>,
  endBytes: number,
  onLine: OnLine,
): Promise<{ torn: Uint8Array }> {
  let rest: Uint8Array = new Uint8Array(0);
  let number = 0;
  for (let position = 0; position < endBytes; ) {
    const chunk = new Uint8Array(Math.min(CHUNK_BYTES, endBytes - position));
    const length = await readAll(handle, chunk, position);
    if (length === 0) break;
    const bytes = rest.length ? Buffer.concat([rest, chunk.subarray(0, length)]) : chunk.subarray(0, length);
    const startBytes = position - rest.length;
    position += length;
    let from = 0;
    for (let end = bytes.indexOf(NEWLINE, rest.length); end !== -1; end = bytes.indexOf(NEWLINE, from)) {
      number += 1;
      onLine(textOf(bytes.subarray(from, end)), number, startBytes + end + 1);
      from = end + 1;
    }
    rest = bytes.subarray(from);
  }
  return { torn: rest };
}

/** The lines before `endBytes`, last first. Whatever is after the last newline is no line. */
export async function* readBackwards(
  handle: Pick<DiskHandle, 'read'>,
  endBytes: number,
): AsyncGenerator<string> {
  let tail: Uint8Array | null = null;
  for (let position = endBytes; position > 0; ) {
    const chunk = new Uint8Array(Math.min(CHUNK_BYTES, position));
    position -= chunk.length;
    await readAll(handle, chunk, position);
    let end = chunk.length;
    for (let at = chunk.lastIndexOf(NEWLINE); at !== -1; at = chunk.lastIndexOf(NEWLINE, at - 1)) {
      const piece = chunk.subarray(at + 1, end);
      if (tail) yield textOf(Buffer.concat([piece, tail]));
      tail = new Uint8Array(0);
      end = at;
      if (at === 0) break;
    }
    if (tail) tail = Buffer.concat([chunk.subarray(0, end), tail]);
  }
  if (tail?.length) yield textOf(tail);
}

/** A name in a folder outlasts a power cut only once the folder itself is on disk. */
async function syncFolder(disk: Disk, folder: string): Promise<void> {
  if (process.platform === 'win32') return;
  const handle = await disk.open(folder, constants.O_RDONLY | constants.O_DIRECTORY);
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

async function keepBeside(disk: Disk, file: string, piece: Uint8Array): Promise<void> {
  const handle = await disk.open(file, READ_WRITE, 0o600);
  try {
    const before = (await handle.stat()).size;
    const position = before > TORN_KEPT_BYTES ? 0 : before;
    if (position < before) await handle.truncate(0);
    await writeAll(handle, Buffer.concat([piece, Buffer.of(NEWLINE)]), position);
    await handle.sync();
  } finally {
    await handle.close();
  }
}

async function writeAll(handle: DiskHandle, bytes: Uint8Array, position: number): Promise<void> {
  for (let done = 0; done < bytes.length; ) {
    const { bytesWritten } = await handle.write(bytes, done, bytes.length - done, position + done);
    if (bytesWritten === 0) throw new Error('nothing more can be written');
    done += bytesWritten;
  }
}

async function readAll(
  handle: Pick<DiskHandle, 'read'>,
  buffer: Uint8Array,
  position: number,
): Promise<number> {
  let length = 0;
  while (length < buffer.length) {
    const { bytesRead } = await handle.read(buffer, length, buffer.length - length, position + length);
    if (bytesRead === 0) break;
    length += bytesRead;
  }
  return length;
}

function textOf(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('utf8');
}

const MENDS: Record<string, string> = {
  ENOSPC: 'the disk is full: free some space',
  EDQUOT: 'the disk quota is used up: free some space',
  EROFS: 'the file system is read-only: choose another `state` folder',
  EACCES: 'run hotadd as the owner of the folder, or choose another `state` folder',
  EPERM: 'run hotadd as the owner of the folder, or choose another `state` folder',
  ENOTDIR: 'a part of the path is a file: choose another `state` folder',
  EEXIST: 'a part of the path is a file: choose another `state` folder',
  EISDIR: 'a folder stands in its place: move it away',
  ENXIO: 'something else stands in its place: move it away',
  ENOENT: 'it was removed while hotadd ran: restart hotadd',
  EIO: 'the disk reports an error: look at the kernel log',
};

export function historyError(path: string, problem: string, thrown: unknown): HotaddError {
  if (thrown instanceof HotaddError) return thrown;
  const code = codeOf(thrown);
  return new HotaddError('HOTADD_HISTORY', `${problem} (${code ?? messageOf(thrown)})`, {
    place: path,
    mend: MENDS[code ?? ''] ?? 'make it a file that hotadd may write, or move it away and restart hotadd',
    cause: thrown,
  });
}
