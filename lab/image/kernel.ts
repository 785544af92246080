// Which kernel the guest runs: the newest Debian cloud kernel, of the release or of its backports. Its number
// moves with every security update, so it is asked for when it is needed and never written down.
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { discard, makeOnce } from '../cache.ts';
import { LabError } from '../lab-error.ts';

const run = promisify(execFile);
/** The package that always depends on the newest cloud kernel. */
const NEWEST = 'linux-image-cloud-amd64';
const SOURCES_MEND =
  'the lab takes its kernel from Debian with apt, which needs its mirror once; or name a folder with an ' +
  'unpacked kernel package';

export interface Kernel {
  /** `6.1.0-56-cloud-amd64`. */
  readonly release: string;
  readonly vmlinuz: string;
  /** The folder `lib/modules` of the package. */
  readonly modules: string;
}

/** `stable`: that of the Debian release; `backports`: a newer one; else the folder of an unpacked package. */
export type KernelName = 'stable' | 'backports' | (string & {});

/** Debian's own keys, of the package debian-archive-keyring. */
const KEYRING = '/usr/share/keyrings/debian-archive-keyring.gpg';
const RELEASES: ReadonlySet<string> = new Set(['stable', 'backports']);
const found = new Map<string, Promise<Kernel>>();

/** @throws LabError when there is no such package, or it cannot be downloaded. */
export function openKernel(name: KernelName): Promise<Kernel> {
  const known = found.get(name);
  if (known !== undefined) return known;
  const kernel = RELEASES.has(name) ? download(name) : readKernel(name);
  found.set(name, kernel);
  return kernel;
}

async function readKernel(folder: string): Promise<Kernel> {
  const boot = await readdir(join(folder, 'boot')).catch((): string[] => []);
  const vmlinuz = boot.find((file) => file.startsWith('vmlinuz-'));
  if (vmlinuz === undefined) {
    throw new LabError(`${folder}: there is no boot/vmlinuz-* in it`, {
      mend: 'name `stable`, `backports`, or the folder of an unpacked kernel package',
    });
  }
  const release = vmlinuz.slice('vmlinuz-'.length);
  const libraries = await readdir(join(folder, 'lib')).catch((): string[] => []);
  const modules = join(folder, libraries.includes('modules') ? 'lib/modules' : 'usr/lib/modules');
  return { release, vmlinuz: join(folder, 'boot', vmlinuz), modules };
}

async function download(name: string): Promise<Kernel> {
  if (name === 'backports') return fetch(name, await backports());
  // The lists of the machine are the quick way, and too old when the mirror has moved on.
  return fetch(name, []).catch(async () => {
    const lists = await newestLists();
    try {
      return await fetch(name, aptOptionsOf(lists, []));
    } catch (error) {
      // Without a network apt-get update fetches nothing, and is content.
      await discard(lists);
      throw error;
    }
  });
}

async function fetch(name: string, aptOptions: readonly string[]): Promise<Kernel> {
  const depends = await run('apt-cache', [...aptOptions, 'depends', NEWEST]).catch(() => ({ stdout: '' }));
  const packageName = /Depends: (linux-image-\d\S+)/.exec(depends.stdout)?.[1];
  if (packageName === undefined) {
    throw new LabError(`no package ${NEWEST} in Debian ${name}, as far as apt knows`, { mend: SOURCES_MEND });
  }
  const folder = await makeOnce(`kernel-${packageName}`, async (into) => {
    await mkdir(into, { recursive: true });
    try {
      await run('apt-get', [...aptOptions, '-qq', 'download', packageName], { cwd: into });
    } catch (cause) {
      throw new LabError(`the package ${packageName} cannot be downloaded`, { mend: SOURCES_MEND, cause });
    }
    const [archive] = (await readdir(into)).filter((file) => file.endsWith('.deb'));
    await run('dpkg-deb', ['-x', archive ?? '', '.'], { cwd: into });
    await rm(join(into, archive ?? ''));
  });
  return readKernel(folder);
}

/**
 * The machine's own package sources, with lists that are fetched now and kept apart: the machine's may be
 * older than its mirror, and only root may renew them.
 */
function newestLists(): Promise<string> {
  const today = new Date().toISOString().slice(0, 10);
  return makeOnce(`apt-lists-${today}`, (into) => update(into, []));
}

/** The backports of this Debian release, from the mirror that the machine uses for the release itself. */
async function backports(): Promise<string[]> {
  const today = new Date().toISOString().slice(0, 10);
  const folder = await makeOnce(`apt-backports-${today}`, async (into) => {
    const format = '$(ORIGIN)|$(CODENAME)|$(REPO_URI)';
    const targets = await run('apt-get', ['indextargets', '--format', format, 'Created-By: Packages']).catch(
      (cause: unknown) => {
        throw new LabError('apt-get does not tell the package sources', { mend: SOURCES_MEND, cause });
      },
    );
    const debian = targets.stdout
      .split('\n')
      .map((line) => line.split('|'))
      .find(([origin, codename]) => origin === 'Debian' && /^[a-z]+$/.test(codename ?? ''));
    if (debian === undefined) throw new LabError('no source of a Debian release', { mend: SOURCES_MEND });
    const [, codename, uri] = debian;
    const signed = existsSync(KEYRING) ? ` [signed-by=${KEYRING}]` : '';
    await mkdir(into, { recursive: true });
    await writeFile(join(into, 'sources.list'), `deb${signed} ${uri} ${codename}-backports main\n`);
    await update(into, sourcesOf(into));
  });
  await readFile(join(folder, 'sources.list'));
  return aptOptionsOf(folder, sourcesOf(folder));
}

function sourcesOf(folder: string): string[] {
  return ['-o', `Dir::Etc::sourcelist=${folder}/sources.list`, '-o', 'Dir::Etc::sourceparts=-'];
}

function aptOptionsOf(folder: string, sources: readonly string[]): string[] {
  return [
    ...sources,
    ...['-o', `Dir::State::lists=${folder}/lists`, '-o', `Dir::Cache=${folder}/cache`],
    // Written by whoever runs the lab, which the user `_apt` may not read.
    ...['-o', 'APT::Sandbox::User=root', '-o', 'Debug::NoLocking=true'],
  ];
}

async function update(folder: string, sources: readonly string[]): Promise<void> {
  await mkdir(join(folder, 'lists', 'partial'), { recursive: true });
  await mkdir(join(folder, 'cache', 'archives', 'partial'), { recursive: true });
  try {
    await run('apt-get', [...aptOptionsOf(folder, sources), '-qq', 'update']);
  } catch (cause) {
    const { stderr, message } = cause as Error & { stderr?: string };
    const problem = `apt-get update fails: ${stderr?.trim() || message}`;
    throw new LabError(problem, { mend: 'see to the package sources of this machine', cause });
  }
}
