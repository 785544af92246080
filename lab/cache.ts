// What takes long to make is made once and kept: kernels, disks, saved states. One folder for all checkouts
// and all test processes: $HOTADD_LAB_CACHE, or hotadd-lab in the user's cache folder.
import { createHash } from 'node:crypto';
import { mkdir, readdir, rename, rm, stat, utimes } from 'node:fs/promises';
import { createServer, type Server } from 'node:net';
import { homedir } from 'node:os';
import { join } from 'node:path';

/** Saved states and disks are large: of each kind so many are kept, those used last. */
const KEPT = 32;
const HALF_MADE = '.half-made';
/** What a killed process has half made is in nobody's hands after this long. */
const HALF_MADE_MS = 24 * 3_600_000;

export function cacheFolder(): string {
  const { HOTADD_LAB_CACHE: own, XDG_CACHE_HOME: shared } = process.env;
  return own ?? join(shared ?? join(homedir(), '.cache'), 'hotadd-lab');
}

/**
 * The path of the thing called `key`, made now if it is not there. Two processes that want the same wait for
 * each other, and what is half made is never seen.
 * @param key begins with the kind of thing: `disk-…`; unchanged for as long as the thing would be the same.
 */
export async function makeOnce(key: string, make: (into: string) => Promise<void>): Promise<string> {
  const folder = cacheFolder();
  const path = join(folder, key);
  if (await touch(path)) return path;
  await mkdir(folder, { recursive: true });
  const lock = await takeLock(path);
  try {
    if (await touch(path)) return path;
    const half = `${path}${HALF_MADE}`;
    await rm(half, { recursive: true, force: true });
    try {
      await make(half);
    } catch (error) {
      await discard(half);
      throw error;
    }
    await rename(half, path);
    await prune(folder, key.slice(0, key.indexOf('-') + 1));
    return path;
  } finally {
    lock.close();
  }
}

/** The part of a key that stands for contents: the same for the same. */
export function digest(contents: string | Buffer): string {
  return createHash('sha256').update(contents).digest('hex').slice(0, 16);
}

/** For what turned out to be unusable: the next one who wants it makes it anew. */
export function discard(path: string): Promise<void> {
  return rm(path, { recursive: true, force: true });
}

async function touch(path: string): Promise<boolean> {
  const now = new Date();
  return utimes(path, now, now).then(
    () => true,
    () => false,
  );
}

async function prune(folder: string, kind: string): Promise<void> {
  const names = (await readdir(folder)).filter((name) => name.startsWith(kind));
  const aged = await Promise.all(
    names.map(async (name) => {
      const found = await stat(join(folder, name)).catch(() => null);
      return { name, usedMs: found?.mtimeMs ?? 0, isHalf: name.includes(HALF_MADE) };
    }),
  );
  const whole = aged.filter(({ isHalf }) => !isHalf).sort((a, b) => b.usedMs - a.usedMs);
  const left = aged.filter(({ isHalf, usedMs }) => isHalf && Date.now() - usedMs > HALF_MADE_MS);
  const old = [...whole.slice(KEPT), ...left];
  await Promise.all(old.map(({ name }) => rm(join(folder, name), { recursive: true, force: true })));
}

/** An abstract Unix socket: only one process can listen on it, and a killed one lets go of it. */
async function takeLock(path: string): Promise<Server> {
  // The name of a socket holds 107 bytes; a path may be longer.
  const name = `\0hotadd-lab:${createHash('sha256').update(path).digest('hex')}`;
  for (;;) {
    const lock = await listen(name);
    if (lock !== null) return lock;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

function listen(name: string): Promise<Server | null> {
  const server = createServer();
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EADDRINUSE') resolve(null);
      else reject(error);
    });
    server.listen(name, () => resolve(server));
  });
}
