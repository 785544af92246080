// Loadable modules of a kernel: where they are, and in which order they are loaded. A module says itself what
// it depends on, in its section .modinfo; a package that was only unpacked has no modules.dep.
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';

const MOST_BYTES = 64 * 1024 ** 2;

export interface KernelModule {
  readonly name: string;
  readonly data: Buffer;
}

/**
 * The modules named and all that they need, dependencies first. A name that has no file is built into the
 * kernel, or not there: it is left out.
 * @param folder the kernel's `lib/modules`.
 */
export function collectModules(folder: string, names: readonly string[]): KernelModule[] {
  const files = new Map<string, string>();
  for (const path of readdirSync(folder, { recursive: true, encoding: 'utf8' })) {
    if (/\.ko(?:\.xz)?$/.test(path)) files.set(nameOf(path), join(folder, path));
  }
  const collected = new Map<string, KernelModule>();
  const collect = (wanted: string) => {
    const name = wanted.replaceAll('-', '_');
    const path = files.get(name);
    if (path === undefined || collected.has(name)) return;
    const data = readModule(path);
    for (const needed of dependenciesOf(data)) collect(needed);
    collected.set(name, { name, data });
  };
  for (const name of names) collect(name);
  return [...collected.values()];
}

function nameOf(path: string): string {
  return basename(path)
    .replace(/\.ko.*$/, '')
    .replaceAll('-', '_');
}

function readModule(path: string): Buffer {
  if (!path.endsWith('.xz')) return readFileSync(path);
  return execFileSync('xz', ['-dc', path], { maxBuffer: MOST_BYTES });
}

/** `depends=virtio,virtio_ring`, ended by a zero byte. */
function dependenciesOf(data: Buffer): string[] {
  const start = data.indexOf('\0depends=');
  if (start < 0) return [];
  const from = start + '\0depends='.length;
  const list = data.toString('latin1', from, data.indexOf(0, from));
  return list.split(',').filter((name) => name !== '');
}
