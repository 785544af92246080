// Which files the agent believes (E4). Whoever may write the configuration or the state decides what runs
// with the agent's rights, so a file that others than its owner may write is refused, and so is one whose
// owner is neither root nor the user that runs this. Windows has no such bits; there nothing is checked.
import { constants } from 'node:fs';
import { dirname } from 'node:path';
import { codeOf, HotaddError, messageOf } from '../core/errors.ts';
import { type Disk, type DiskHandle, diskOs, type Standing } from './disk.ts';

const WRITABLE_BY_OTHERS = 0o022;
const WORLD_WRITABLE = 0o002;
const STICKY = 0o1000;

/** Who runs this; `null` where the system has no user ids. */
export function presentUser(): number | null {
  return process.getuid?.() ?? null;
}

/**
 * @param path as a person wrote it: it is what the message and the mend name.
 * @throws HotaddError HOTADD_UNSAFE_FILE when others than the owner may write it, or the owner is a stranger.
 */
export function checkSafe(
  path: string,
  standing: Pick<Standing, 'mode' | 'uid'>,
  user: number | null = presentUser(),
): void {
  if (user === null) return;
  if (standing.uid !== 0 && standing.uid !== user) {
    throw new HotaddError('HOTADD_UNSAFE_FILE', `belongs to user ${standing.uid}`, {
      place: path,
      mend: `it must belong to root or to the user that runs hotadd: chown ${user} ${path}`,
    });
  }
  if (standing.mode & WRITABLE_BY_OTHERS) {
    const mode = (standing.mode & 0o7777).toString(8).padStart(4, '0');
    throw new HotaddError('HOTADD_UNSAFE_FILE', `may be written by others than its owner (mode ${mode})`, {
      place: path,
      mend: `run: chmod go-w ${path}`,
    });
  }
}

/**
 * In a folder that everybody may write, a safe file can be replaced by an unsafe one. The sticky bit (as on
 * /tmp) prevents that, and so does a read-only mount: Kubernetes shows ConfigMaps in a folder of mode 0777.
 * @throws HotaddError HOTADD_UNSAFE_FILE
 */
export async function checkSafeParent(path: string, disk: Disk = diskOs): Promise<void> {
  if (presentUser() === null) return;
  const folder = dirname(path);
  const { mode } = await disk.stat(folder);
  if (!(mode & WORLD_WRITABLE) || mode & STICKY) return;
  const readOnly = await disk.access(folder, constants.W_OK).then(
    () => false,
    (thrown: unknown) => codeOf(thrown) === 'EROFS',
  );
  if (readOnly) return;
  throw new HotaddError('HOTADD_UNSAFE_FILE', 'the folder may be written by everybody', {
    place: folder,
    mend: `run: chmod o-w ${folder}`,
  });
}

/**
 * Reads a small file that decides what the agent does. What is checked is what is read: the checks are made
 * on the open file, and again on the folder that a symbolic link leads to.
 * @throws HotaddError HOTADD_UNSAFE_FILE; or `code` with the reason when it cannot be read or is too big.
 */
export async function readSafeFile(
  path: string,
  rules: { maxBytes: number; code: 'HOTADD_BAD_CONFIG' | 'HOTADD_HISTORY'; missing: string },
  disk: Disk = diskOs,
): Promise<Uint8Array> {
  let handle: DiskHandle;
  try {
    // Without O_NONBLOCK, opening a named pipe would wait for a writer for ever.
    handle = await disk.open(path, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch (thrown) {
    throw unreadable(path, thrown, rules);
  }
  try {
    const standing = await handle.stat();
    if (!standing.isFile()) {
      const what = standing.isDirectory() ? 'is a folder' : 'is not a regular file';
      throw new HotaddError(rules.code, what, { place: path, mend: 'name a regular file' });
    }
    checkSafe(path, standing);
    await checkSafeParent(path, disk);
    await checkSafeParent(await disk.realpath(path), disk);
    if (standing.size > rules.maxBytes) {
      const problem = `is ${standing.size} bytes long, more than ${rules.maxBytes}`;
      throw new HotaddError(rules.code, problem, { place: path, mend: 'name the right file' });
    }
    return await readAtMost(handle, rules.maxBytes);
  } catch (thrown) {
    throw unreadable(path, thrown, rules);
  } finally {
    await handle.close();
  }
}

// Files of the kernel and pipes say size 0 and then give as much as they like.
async function readAtMost(handle: DiskHandle, maxBytes: number): Promise<Uint8Array> {
  const buffer = new Uint8Array(maxBytes + 1);
  let length = 0;
  while (length < buffer.length) {
    const { bytesRead } = await handle.read(buffer, length, buffer.length - length, null);
    if (bytesRead === 0) return buffer.subarray(0, length);
    length += bytesRead;
  }
  throw new Error(`it is longer than ${maxBytes} bytes`);
}

function unreadable(path: string, thrown: unknown, rules: Parameters<typeof readSafeFile>[1]): HotaddError {
  if (thrown instanceof HotaddError) return thrown;
  const code = codeOf(thrown);
  if (code === 'ENOENT') {
    return new HotaddError(rules.code, 'there is no such file', { place: path, mend: rules.missing });
  }
  const mend = code === 'EACCES' ? 'run hotadd as the owner of the file' : 'make it readable';
  return new HotaddError(rules.code, `cannot be read (${code ?? messageOf(thrown)})`, {
    place: path,
    mend,
    cause: thrown,
  });
}

/**
 * Makes a folder for the user that runs this, or takes the one that is there. Under a folder that everybody
 * may write, such as /tmp, somebody else may have been first: then it is refused, and so is a symbolic link.
 * @throws HotaddError HOTADD_UNSAFE_FILE; HOTADD_MISSING_RIGHT when it cannot be made.
 */
export async function makeOwnFolder(path: string, disk: Disk = diskOs): Promise<void> {
  await makeFolders(path, disk).catch((thrown: unknown) => {
    const code = codeOf(thrown);
    throw new HotaddError('HOTADD_MISSING_RIGHT', `cannot be made (${code ?? messageOf(thrown)})`, {
      place: path,
      mend: 'choose another folder in the configuration',
      cause: thrown,
    });
  });
  const standing = await disk.lstat(path);
  if (!standing.isDirectory()) {
    throw new HotaddError('HOTADD_UNSAFE_FILE', 'is not a folder', { place: path, mend: 'move it away' });
  }
  checkSafe(path, standing);
  await checkSafeParent(path, disk);
}

/**
 * One folder after the other: mkdir's own `recursive` asks for ever where nothing can be made, as below
 * /proc.
 */
async function makeFolders(path: string, disk: Disk): Promise<void> {
  try {
    await disk.mkdir(path, { mode: 0o700 });
  } catch (thrown) {
    const code = codeOf(thrown);
    if (code === 'EEXIST') return;
    const parent = dirname(path);
    if (code !== 'ENOENT' || parent === path || (await exists(parent, disk))) throw thrown;
    await makeFolders(parent, disk);
    await makeFolders(path, disk);
  }
}

function exists(path: string, disk: Disk): Promise<boolean> {
  return disk.lstat(path).then(
    () => true,
    () => false,
  );
}
