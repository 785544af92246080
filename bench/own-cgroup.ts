// A cgroup of the bench's own, below the mounted memory hierarchy, removed when the bench ends. Only
// processes that the bench starts are ever in it, and no other cgroup is touched.
import { closeSync, mkdirSync, openSync, rmdirSync, writeSync } from 'node:fs';
import { machineOs } from '../src/host/machine-os.ts';
import { readMembership, readMemoryMounts } from '../src/sense/cgroup.ts';
import { atExit } from './contender.ts';

export interface OwnCgroup {
  readonly path: string;
  readonly folder: string;
  readonly limitFile: string;
  /** One write of one system call, without truncating: one inotify event. */
  writeLimit(bytes: number): void;
}

const PAGE_BYTES = 4096;
const REMOVE_WITHIN_MS = 5_000;

/** Throws a sentence when no cgroup can be made here. */
export function makeCgroup(name: string): OwnCgroup {
  const { top, version } = findHierarchy();
  const path = `/hotadd-bench-${process.pid}-${name}`;
  const folder = top + path;
  mkdirSync(folder);
  const limitFile = `${folder}/${version === 1 ? 'memory.limit_in_bytes' : 'memory.max'}`;
  const fd = openSync(limitFile, 'r+');
  atExit(() => {
    closeSync(fd);
    remove(folder);
  });
  return {
    path,
    folder,
    limitFile,
    writeLimit: (bytes) => {
      writeSync(fd, String(Math.floor(bytes / PAGE_BYTES) * PAGE_BYTES), 0);
    },
  };
}

/** Contenders in it have been killed by now; the kernel may need a moment until they are gone. */
function remove(folder: string): void {
  const untilMs = performance.now() + REMOVE_WITHIN_MS;
  for (;;) {
    try {
      rmdirSync(folder);
      return;
    } catch (thrown) {
      if ((thrown as NodeJS.ErrnoException).code !== 'EBUSY' || performance.now() > untilMs) throw thrown;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 10);
    }
  }
}

/** Why cgroups cannot be made here; `null`: they can. */
export function whyNoCgroup(): string | null {
  try {
    findHierarchy();
    return process.getuid?.() === 0 ? null : 'needs root';
  } catch (thrown) {
    return (thrown as Error).message;
  }
}

function findHierarchy(): { top: string; version: 1 | 2 } {
  const machine = machineOs();
  const version = readMembership(machine, 'self')?.version;
  const mount = version && readMemoryMounts(machine, version).find(({ root }) => root === '/');
  if (!mount) throw new Error('no cgroup hierarchy with the memory controller is mounted whole');
  const top = mount.mountPoint;
  if (version === 2 && !machine.readText(`${top}/cgroup.subtree_control`).includes('memory')) {
    throw new Error('the memory controller is not given to the cgroups below the top');
  }
  return { top, version };
}
