// Real cgroups for tests: made below the hierarchy that holds the memory controller, found as hotadd finds
// it, and removed after the test. Only children that the test started are ever put into one.
import { type ChildProcess, spawn } from 'node:child_process';
import { accessSync, constants, mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { machineOs } from '../src/host/machine-os.ts';
import { readMembership, readMemoryMounts } from '../src/sense/cgroup.ts';
import { until } from './until.ts';

const machine = machineOs();

interface Hierarchy {
  readonly top: string;
  readonly version: 1 | 2;
}

const found = findHierarchy();

/** Where cgroups are made; of no meaning where `noCgroup` gives a reason. */
export const hierarchy: Hierarchy = typeof found === 'string' ? { top: '', version: 2 } : found;

/** `false` when cgroups can be made here, else the reason for the runner. */
export const noCgroup: string | false =
  typeof found === 'string' ? `real suite: ${found}; run as root on a host` : false;

function findHierarchy(): Hierarchy | string {
  try {
    const version = readMembership(machine, 'self')?.version;
    const mount = version && readMemoryMounts(machine, version).find(({ root }) => root === '/');
    if (!mount) return 'no cgroup hierarchy with the memory controller is mounted whole';
    accessSync(mount.mountPoint, constants.W_OK);
    const control = join(mount.mountPoint, 'cgroup.subtree_control');
    if (mount.version === 2 && !readFileSync(control, 'utf8').includes('memory')) {
      return 'the memory controller is not given to the cgroups below the top';
    }
    return { top: mount.mountPoint, version: mount.version };
  } catch (error) {
    return `cgroups cannot be made here: ${(error as Error).message}`;
  }
}

export interface RealCgroup {
  /** Its path in the hierarchy: what `cgroup:/path` names. */
  readonly path: string;
  readonly folder: string;
  readonly version: 1 | 2;
  readonly limitFile: string;
  readLimit(): number;
  writeLimit(bytes: number): void;
  /** What the kernel counts for it now, page cache included. */
  readUsage(): number;
  /** OOM kills so far. */
  readKills(): number;
  /** A process in it that holds so many bytes until the test ends. */
  hold(bytes: number): Promise<ChildProcess>;
}

let made = 0;

export function makeCgroup(t: TestContext, limitBytes: number): RealCgroup {
  if (noCgroup !== false) throw new Error(noCgroup);
  made += 1;
  const path = `/hotadd-test-${process.pid}-${made}`;
  const folder = join(hierarchy.top, path);
  mkdirSync(folder);
  t.after(() => until(() => removed(folder), 'the cgroup is removed'));
  const isV1 = hierarchy.version === 1;
  const limitFile = join(folder, isV1 ? 'memory.limit_in_bytes' : 'memory.max');
  const read = (name: string) => readFileSync(join(folder, name), 'utf8');
  const group: RealCgroup = {
    path,
    folder,
    version: hierarchy.version,
    limitFile,
    readLimit: () => Number(readFileSync(limitFile, 'utf8')),
    writeLimit: (bytes) => writeFileSync(limitFile, String(bytes)),
    readUsage: () => Number(read(isV1 ? 'memory.usage_in_bytes' : 'memory.current')),
    readKills: () => Number(/oom_kill (\d+)/.exec(read(isV1 ? 'memory.oom_control' : 'memory.events'))?.[1]),
    hold: (bytes) => hold(t, folder, bytes),
  };
  group.writeLimit(limitBytes);
  return group;
}

/**
 * Hooks run in the order in which they were made, so what the test started may still be in it: it ends here.
 */
function removed(folder: string): boolean {
  try {
    for (const pid of readFileSync(join(folder, 'cgroup.procs'), 'utf8').split('\n')) {
      if (pid !== '') process.kill(Number(pid), 'SIGKILL');
    }
    rmdirSync(folder);
    return true;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') return true;
    if (code === 'EBUSY' || code === 'ESRCH') return false;
    throw error;
  }
}

async function hold(t: TestContext, folder: string, bytes: number): Promise<ChildProcess> {
  const alloc = `const held = Buffer.alloc(${bytes}, 1)`;
  const script = `${alloc}; console.log('held'); setInterval(() => held.length, 1e6)`;
  const child = spawn(
    'sh',
    ['-c', `echo $$ > '${folder}/cgroup.procs' && exec "$@"`, 'hold', process.execPath, '-e', script],
    {
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  );
  const exited = new Promise((resolve) => child.once('exit', resolve));
  t.after(() => {
    child.kill('SIGKILL');
    return exited;
  });
  await new Promise<void>((resolve, reject) => {
    child.stdout?.once('data', () => resolve());
    child.once('exit', () => reject(new Error('the process that holds memory ended at its start')));
  });
  return child;
}
