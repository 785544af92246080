// The guest's disks, read-only ext4 images made from folders (mke2fs -d: no mount, no root):
//
//   system   Node and its libraries; there from the boot on, and part of a saved state
//   cargo    what is tested: hotadd as built, programs of this machine, folders of the author; plugged in
//            after a restore, so that a new build needs no new boot
import { execFile } from 'node:child_process';
import { realpathSync, statSync } from 'node:fs';
import { chmod, copyFile, cp, mkdir, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { basename, dirname, join, relative } from 'node:path';
import { promisify } from 'node:util';
import { digest, discard, makeOnce } from '../cache.ts';
import { LabError } from '../lab-error.ts';
import { environment, findProgram } from '../programs.ts';
import { hotaddFolders } from './hotadd-package.ts';

const run = promisify(execFile);
const MiB = 1024 ** 2;

/** Segments that do not begin with a dot, so that nothing leads out of the disk. */
const FOLDER_NAME = /^[\w@+-][\w@+.-]*(?:\/[\w@+-][\w@+.-]*)*$/;

export interface Cargo {
  /** The built package, at /cargo/node_modules/hotadd. */
  readonly hotadd: boolean;
  /** Programs of this machine, such as `redis-server`; found on PATH in the guest. */
  readonly programs: readonly string[];
  /** Folder in /cargo -> folder of this machine. */
  readonly folders: Readonly<Record<string, string>>;
}

/** @param node the Node to run in the guest: a path on this machine. */
export async function systemDisk(node: string): Promise<string> {
  const path = realpathSync(needProgram(node));
  const { size, mtimeMs } = statSync(path);
  return makeOnce(`disk-system-${digest(JSON.stringify([path, size, mtimeMs]))}`, (into) =>
    makeDisk(into, async (root) => {
      await mkdir(join(root, 'usr', 'bin'), { recursive: true });
      await copyFile(path, join(root, 'usr', 'bin', 'node'));
      for (const library of await librariesOf(path)) {
        await mkdir(join(root, dirname(library)), { recursive: true });
        await copyFile(realpathSync(library), join(root, library));
      }
    }),
  );
}

export async function cargoDisk({ hotadd, programs, folders }: Cargo): Promise<string> {
  for (const name of Object.keys(folders)) {
    if (FOLDER_NAME.test(name)) continue;
    throw new LabError(`folders: "${name}" is no place in /cargo`, { mend: 'a name such as app, or my/app' });
  }
  const all = { ...folders, ...(hotadd ? hotaddFolders() : {}) };
  const paths = programs.map(needProgram);
  const contents = [];
  for (const [name, folder] of Object.entries(all)) contents.push([name, ...(await listing(folder))]);
  const key = digest(JSON.stringify([contents, paths.map((path) => [path, statSync(path).mtimeMs])]));
  return makeOnce(`disk-cargo-${key}`, (into) =>
    makeDisk(into, async (root) => {
      for (const [name, folder] of Object.entries(all)) {
        const to = join(root, name);
        await mkdir(dirname(to), { recursive: true });
        // A package may hold its own node_modules, and those of others lie beside it.
        await cp(folder, to, { recursive: true, dereference: true, preserveTimestamps: true });
      }
      for (const path of paths) await addProgram(root, path);
    }),
  );
}

/** The program, its libraries beside it, and a script on PATH that joins the two. */
async function addProgram(root: string, path: string): Promise<void> {
  const programs = join(root, 'programs');
  for (const folder of ['bin', 'files', 'lib']) await mkdir(join(programs, folder), { recursive: true });
  const name = basename(path);
  await copyFile(path, join(programs, 'files', name));
  for (const library of await librariesOf(path))
    await copyFile(realpathSync(library), join(programs, 'lib', basename(library)));
  const script = join(programs, 'bin', name);
  const start = `LD_LIBRARY_PATH=/cargo/programs/lib exec /cargo/programs/files/${name} "$@"`;
  await writeFile(script, `#!/bin/sh\n${start}\n`);
  await chmod(script, 0o755);
}

function needProgram(name: string): string {
  const path = findProgram(name);
  if (path !== null) return path;
  throw new LabError(`the program ${name} is not on this machine`, { mend: 'install it here' });
}

/** The shared libraries that the loader would take, the loader itself included. */
async function librariesOf(path: string): Promise<string[]> {
  const { stdout } = await run('ldd', [path], { env: environment }).catch(() => ({ stdout: '' }));
  return [...stdout.matchAll(/(\/\S+)\s+\(0x/g)].map(([, library]) => library ?? '');
}

async function makeDisk(into: string, fill: (root: string) => Promise<void>): Promise<void> {
  const root = `${into}.folder`;
  await discard(root);
  await mkdir(root, { recursive: true });
  try {
    await fill(root);
    let bytes = 0;
    let files = 0;
    for (const [, size] of await listing(root)) {
      bytes += Math.ceil(size / 4096) * 4096;
      files += 1;
    }
    const size = Math.ceil((bytes * 1.05) / MiB) + 8 + Math.ceil(files / 1024);
    const features = ['-O', '^has_journal,^resize_inode', '-N', String(files * 2 + 1024), '-m', '0'];
    await run('mke2fs', ['-q', '-t', 'ext4', '-b', '4096', ...features, '-d', root, into, `${size}M`], {
      env: environment,
    });
  } catch (cause) {
    if (cause instanceof LabError) throw cause;
    throw new LabError('a disk for the guest cannot be made', {
      mend: 'the lab needs mke2fs 1.43 or later (apt-get install e2fsprogs) and room in its cache folder',
      cause,
    });
  } finally {
    await rm(root, { recursive: true, force: true });
  }
}

/** Relative path, size and time of every file below a folder. */
async function listing(folder: string): Promise<[path: string, size: number, mtimeMs: number][]> {
  const itself = await stat(folder).catch((cause: unknown) => {
    throw new LabError(`${folder} cannot be read`, { cause });
  });
  if (itself.isFile()) return [['', itself.size, itself.mtimeMs]];
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files: [string, number, number][] = [];
  for (const entry of entries) {
    const path = join(entry.parentPath, entry.name);
    const found = await stat(path).catch(() => null);
    files.push([relative(folder, path), found?.isFile() ? found.size : 0, found?.mtimeMs ?? 0]);
  }
  return files.sort(([a], [b]) => (a < b ? -1 : 1));
}
