// The archive that the kernel unpacks as its first file system: cpio in the "newc" form. Written here,
// because device nodes and owners then need neither root nor a cpio program. Source: the kernel's
// Documentation/driver-api/early-userspace/buffer-format.rst.
import { posix } from 'node:path';

export interface Entry {
  /** Path from the root of the archive, without a leading slash. */
  readonly path: string;
  /** Type and permission bits, as in stat(2). */
  readonly mode: number;
  /** The contents; of a symbolic link its target. */
  readonly data?: Buffer;
  /** Major and minor number of a device node. */
  readonly device?: readonly [number, number];
}

export const FOLDER = 0o040755;
export const PROGRAM = 0o100755;
export const FILE = 0o100644;
export const LINK = 0o120777;
export const CHARACTER_DEVICE = 0o020600;

/** Folders that an entry lies in are made as needed. */
export function cpio(entries: readonly Entry[]): Buffer {
  const folders = new Set<string>();
  for (const { path } of entries) {
    for (let up = posix.dirname(path); up !== '.'; up = posix.dirname(up)) folders.add(up);
  }
  const made = new Set(entries.map(({ path }) => path));
  const above = [...folders].filter((path) => !made.has(path)).sort();
  const all: Entry[] = [...above.map((path) => ({ path, mode: FOLDER })), ...entries];
  const parts = all.map((entry, index) => record(entry, index + 1));
  return Buffer.concat([...parts, record({ path: 'TRAILER!!!', mode: 0 }, 0)]);
}

function record({ path, mode, data, device }: Entry, inode: number): Buffer {
  const contents = data ?? Buffer.alloc(0);
  const name = Buffer.from(`${path}\0`);
  const [major, minor] = device ?? [0, 0];
  // inode, mode, uid, gid, links, mtime, size, the device it lies on (2), the device it is (2), name, check
  const numbers = [inode, mode, 0, 0, 1, 0, contents.length, 0, 0, major, minor, name.length, 0];
  const head = `070701${numbers.map((number) => number.toString(16).padStart(8, '0')).join('')}`;
  return Buffer.concat([padded(Buffer.concat([Buffer.from(head), name])), padded(contents)]);
}

/** Everything begins at a multiple of four bytes. */
function padded(bytes: Buffer): Buffer {
  const missing = (4 - (bytes.length % 4)) % 4;
  return missing === 0 ? bytes : Buffer.concat([bytes, Buffer.alloc(missing)]);
}
