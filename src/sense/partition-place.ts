// From a partition's name to its place on this machine, and to its identity: machine:<machine-id>,
// cgroup:<path>@<inode>, unit:<name> (S8). Resolved once; what is re-created at the place is another
// partition.
import { HotaddError } from '../core/errors.ts';
import type { Machine } from '../core/machine.ts';
import {
  isRootGroup,
  type LocatedGroup,
  locateGroup,
  locateGroupOf,
  pathBelow,
  readMembership,
  readMemoryMounts,
} from './cgroup.ts';
import type { CgroupMount } from './mountinfo.ts';
import type { PartitionName } from './partition-name.ts';
import { readStartTime } from './process.ts';
import { findUnit } from './unit.ts';

export interface PartitionPlace {
  /** Key of history and configuration; the same over restarts of hotadd. */
  readonly identity: string;
  /** `null`: the kernel does not say. */
  readonly bootId: string | null;
  /** `null`: the partition is the machine. */
  readonly group: LocatedGroup | null;
  readonly groupInode: number | null;
  /** For `pid:N`: the process whose cgroup was asked for, with its start time. */
  readonly process: { readonly pid: number; readonly startTime: string } | null;
  /** v2: levels may exist above what can be seen from here. */
  readonly hiddenAncestors: boolean;
}

/** @throws HotaddError HOTADD_NO_PARTITION or HOTADD_GONE, naming what was looked for and where. */
export function resolvePartition(machine: Machine, name: PartitionName): PartitionPlace {
  switch (name.kind) {
    case 'machine':
      return machinePlace(machine, false);
    case 'self': {
      const group = locateSelf(machine);
      if (group === null) return machinePlace(machine, true);
      return groupPlace(machine, group, null);
    }
    case 'pid':
      return pidPlace(machine, name.pid);
    case 'cgroup':
      return groupPlace(machine, locatePath(machine, name.path), null);
    case 'unit': {
      const { version, mounts } = memoryHierarchy(machine);
      const path = findUnit(machine, mounts, name.name);
      const group = locateGroup(machine, { version, path }, mounts);
      if (group === null)
        throw noPartition(`unit:${name.name}`, `its cgroup ${path} cannot be seen from here`);
      return { ...groupPlace(machine, group, null), identity: `unit:${name.name}` };
    }
  }
}

function machinePlace(machine: Machine, hiddenLimits: boolean): PartitionPlace {
  return {
    // Containers and small systems have no machine-id; a fixed word keeps one history per installation.
    identity: `machine:${firstLine(machine, '/etc/machine-id') ?? 'local'}`,
    bootId: readBootId(machine),
    group: null,
    groupInode: null,
    process: null,
    hiddenAncestors: hiddenLimits && firstLine(machine, '/proc/self/cgroup') !== null,
  };
}

function groupPlace(
  machine: Machine,
  group: LocatedGroup,
  process: PartitionPlace['process'],
): PartitionPlace {
  if (isRootGroup(machine, group)) return { ...machinePlace(machine, false), process };
  const groupInode = machine.inode(group.folder);
  return {
    identity: `cgroup:${group.path}@${groupInode}`,
    bootId: readBootId(machine),
    group,
    groupInode,
    process,
    hiddenAncestors: group.hiddenAncestors,
  };
}

/** A machine without cgroups, or with none in sight, is not an error for `self`: then it is the machine. */
function locateSelf(machine: Machine): LocatedGroup | null {
  if (firstLine(machine, '/proc/self/cgroup') === null) return null;
  return locateGroupOf(machine, 'self');
}

function pidPlace(machine: Machine, pid: number): PartitionPlace {
  let startTime: string;
  let group: LocatedGroup | null;
  try {
    startTime = readStartTime(machine, pid);
    group = locateGroupOf(machine, pid);
    // The number may have passed to another process between the two.
    if (readStartTime(machine, pid) !== startTime)
      throw noPartition(`pid:${pid}`, 'the process has just ended');
  } catch (thrown) {
    if (thrown instanceof HotaddError) throw thrown;
    throw noPartition(`pid:${pid}`, 'there is no such process', thrown);
  }
  if (group === null) throw noPartition(`pid:${pid}`, 'its memory cgroup cannot be seen from here');
  return groupPlace(machine, group, { pid, startTime });
}

function locatePath(machine: Machine, path: string): LocatedGroup {
  const { version, mounts } = memoryHierarchy(machine);
  const located = locateGroup(machine, { version, path }, mounts);
  if (located !== null) return located;
  // People also paste the folder: /sys/fs/cgroup/app is the cgroup /app.
  for (const mount of mounts) {
    const below = pathBelow(mount.mountPoint, path);
    if (below === null) continue;
    const whole = `${mount.root === '/' ? '' : mount.root}/${below.join('/')}`;
    const pasted = locateGroup(machine, { version, path: whole }, mounts);
    if (pasted !== null) return pasted;
  }
  const looked = mounts.map((mount) => mount.mountPoint).join(', ');
  throw noPartition(`cgroup:${path}`, `there is no such cgroup below ${looked}`);
}

function memoryHierarchy(machine: Machine): { version: 1 | 2; mounts: CgroupMount[] } {
  let version: 1 | 2 = 2;
  let mounts: CgroupMount[] = [];
  try {
    version = readMembership(machine, 'self')?.version ?? 2;
    mounts = readMemoryMounts(machine, version);
  } catch (thrown) {
    throw noPartition('/proc/self', 'this machine does not tell its cgroups', thrown);
  }
  if (mounts.length > 0) return { version, mounts };
  throw noPartition('/proc/self/mountinfo', 'no cgroup hierarchy with the memory controller is mounted');
}

function noPartition(place: string, problem: string, cause?: unknown): HotaddError {
  return new HotaddError('HOTADD_NO_PARTITION', problem, cause === undefined ? { place } : { place, cause });
}

/** `null`: the kernel does not say. */
export function readBootId(machine: Machine): string | null {
  return firstLine(machine, '/proc/sys/kernel/random/boot_id');
}

function firstLine(machine: Machine, file: string): string | null {
  try {
    return machine.readText(file).split('\n')[0]?.trim() || null;
  } catch {
    return null;
  }
}
