// The real machine: the twin of MachineSim. With a root it is a captured machine instead (S7): the same
// files below that folder, and no hints.
import { watch } from 'node:fs';
import { availableParallelism, totalmem } from 'node:os';
import { HotaddError } from '../core/errors.ts';
import type { Machine } from '../core/machine.ts';
import { KernelFiles } from './files.ts';
import { acquireLock } from './lock.ts';
import { openUevents } from './uevents.ts';

const NO_HINT = () => {};

/** @param options.root a folder that holds a captured machine: every path is read below it. */
export function machineOs(options: { root?: string } = {}): Machine {
  const root = options.root ?? null;
  const files = new KernelFiles(root);
  return {
    readText: (path) => files.readText(path),
    list: (path) => files.list(path),
    walk: (path) => files.walk(path),
    inode: (path) => files.inode(path),
    writeText: (path, text) => files.writeText(path, text),
    writeTextSlowly: (path, text) => files.writeTextSlowly(path, text),
    mayWrite: (path) => files.mayWrite(path),
    watch: (path, onHint) => (root === null ? watchFile(path, onHint) : NO_HINT),
    uevents: (onUevent, onLost) =>
      root === null ? openUevents(onUevent, onLost) : { unavailable: 'a captured machine gives no events' },
    lock: acquireLock,
    totalMemoryBytes: () => {
      if (root === null) return totalmem();
      throw new HotaddError('HOTADD_UNREADABLE', 'the captured machine has no /proc/meminfo', {
        place: root,
      });
    },
    cpus: root === null ? availableParallelism() : capturedCpus(files),
    close: () => files.close(),
  };
}

/** Errors of a watcher are swallowed: a hint only wakes, and the poll is always on (S3). */
function watchFile(path: string, onHint: () => void): () => void {
  try {
    const watcher = watch(path, { persistent: false }, () => onHint());
    watcher.on('error', () => watcher.close());
    return () => watcher.close();
  } catch {
    return NO_HINT;
  }
}

/** `0-3,6` in the captured tree; one CPU when it does not say. */
function capturedCpus(files: KernelFiles): number {
  try {
    let cpus = 0;
    for (const range of files.readText('/sys/devices/system/cpu/online').trim().split(',')) {
      const [first, last] = range.split('-').map(Number);
      cpus += first === undefined ? 0 : (last ?? first) - first + 1;
    }
    return cpus > 0 ? cpus : 1;
  } catch {
    return 1;
  }
}
