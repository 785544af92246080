// Which cgroup a process is in, and where that cgroup's files are. Cases, all met in the field:
//
//   host            0::/a/b            mounted from /        folder = mount point + /a/b, all levels visible
//   container, v2   0::/               mounted from /        a cgroup namespace: levels above are hidden
//   docker, v1      4:memory:/docker/x mounted from /docker/x: the mount point itself is the own level
//   hybrid          4:memory:/a + 0::/ memory belongs to v1, whatever v2 shows
//   other namespace 0::/../x           mounted from /..      both are relative to our namespace
//
// Sources: cgroup-v2.rst ("Namespace"), man 7 cgroups.
import { type ControlGroup, CONTROL_FILES as FILES } from '../core/control-group.ts';
import { HotaddError } from '../core/errors.ts';
import type { Machine } from '../core/machine.ts';
import { type CgroupMount, parseMountinfo } from './mountinfo.ts';

const DELETED = ' (deleted)';

export interface CgroupMembership {
  readonly version: 1 | 2;
  readonly path: string;
  /** True: the cgroup was removed while the process was in it. */
  readonly deleted: boolean;
}

/** The memory cgroup in the text of /proc/PID/cgroup; `null`: the kernel has no memory controller. */
export function parseMembership(text: string): CgroupMembership | null {
  let unified: CgroupMembership | null = null;
  for (const line of text.split('\n')) {
    // hierarchy:controllers:path, and the path may hold colons.
    const match = /^(\d+):([^:]*):(\/.*)$/.exec(line);
    if (match === null) continue;
    const [, hierarchy, controllers = '', whole = ''] = match;
    const deleted = whole.endsWith(DELETED);
    const path = deleted ? whole.slice(0, -DELETED.length) : whole;
    if (controllers.split(',').includes('memory')) return { version: 1, path, deleted };
    if (hierarchy === '0' && controllers === '') unified = { version: 2, path, deleted };
  }
  return unified;
}

export function readMembership(machine: Machine, pid: number | 'self'): CgroupMembership | null {
  return parseMembership(machine.readText(`/proc/${pid}/cgroup`));
}

/**
 * The mounts of the hierarchy that holds the memory controller. A later mount at the same place hides the
 * earlier.
 */
export function readMemoryMounts(machine: Machine, version: 1 | 2): CgroupMount[] {
  const byPlace = new Map<string, CgroupMount>();
  for (const mount of parseMountinfo(machine.readText('/proc/self/mountinfo'))) {
    if (mount.version !== version) byPlace.delete(mount.mountPoint);
    else if (version === 2 || mount.controllers.includes('memory')) byPlace.set(mount.mountPoint, mount);
  }
  return [...byPlace.values()];
}

export interface LocatedGroup extends ControlGroup {
  /** The own group first, then every visible one above it, up to what shows at the mount point. */
  readonly visible: readonly ControlGroup[];
  /** v2 only: levels may exist above the visible ones. v1 tells their limit (`hierarchical_memory_limit`). */
  readonly hiddenAncestors: boolean;
}

function segments(path: string): string[] {
  return path.split('/').filter((segment) => segment !== '' && segment !== '.');
}

/** What is left of a cgroup's path below the root of a mount; `null` when the mount does not show it. */
export function pathBelow(root: string, path: string): string[] | null {
  const above = segments(root);
  const whole = segments(path);
  if (above.some((segment, index) => whole[index] !== segment)) return null;
  const below = whole.slice(above.length);
  return below.includes('..') ? null : below;
}

function folderOf(mountPoint: string, below: readonly string[]): string {
  const place = mountPoint === '/' ? '' : mountPoint;
  return below.length === 0 ? mountPoint : `${place}/${below.join('/')}`;
}

/** The folder of a cgroup, by the mount that shows most levels; `null` when no mount shows it. */
export function locateGroup(
  machine: Machine,
  membership: Pick<CgroupMembership, 'version' | 'path'>,
  mounts: readonly CgroupMount[],
): LocatedGroup | null {
  const { version, path } = membership;
  let best: { mount: CgroupMount; below: string[] } | null = null;
  for (const mount of mounts) {
    const below = pathBelow(mount.root, path);
    if (below === null || (best !== null && below.length <= best.below.length)) continue;
    if (exists(machine, folderOf(mount.mountPoint, below))) best = { mount, below };
  }
  if (best === null) return null;
  const visible = visibleGroups(machine, version, path, best.mount, best.below);
  const top = folderOf(best.mount.mountPoint, []);
  return {
    version,
    path,
    folder: folderOf(best.mount.mountPoint, best.below),
    visible,
    hiddenAncestors: version === 2 && !isRootV2(machine, top),
  };
}

function visibleGroups(
  machine: Machine,
  version: 1 | 2,
  path: string,
  mount: CgroupMount,
  below: readonly string[],
): ControlGroup[] {
  const groups: ControlGroup[] = [];
  const whole = segments(path);
  for (let up = 0; up <= below.length; up += 1) {
    const folder = folderOf(mount.mountPoint, below.slice(0, below.length - up));
    const atTop = up === below.length;
    // The root cgroup of a machine has no limit, and is the machine.
    if (atTop && (version === 2 ? isRootV2(machine, folder) : isRootV1(machine, folder))) break;
    // Before 5.11 a v1 cgroup counts and limits those below it only when it says so.
    if (version === 1 && up > 0 && readFlag(machine, `${folder}/memory.use_hierarchy`) === '0') break;
    groups.push({ version, path: `/${whole.slice(0, whole.length - up).join('/')}`, folder });
  }
  return groups;
}

/** The root of the machine's own hierarchy: it holds everything, and nothing can be limited there. */
export function isRootGroup(machine: Machine, { version, folder }: LocatedGroup): boolean {
  return version === 2 ? isRootV2(machine, folder) : isRootV1(machine, folder);
}

/** Every v2 cgroup but the root of the machine has cgroup.events; one with the controller has memory.max. */
function isRootV2(machine: Machine, folder: string): boolean {
  return !exists(machine, `${folder}/cgroup.events`) && !exists(machine, `${folder}/${FILES.max}`);
}

/** Only the root of a v1 hierarchy has this file (CFTYPE_ONLY_ON_ROOT in kernel/cgroup/cgroup-v1.c). */
function isRootV1(machine: Machine, folder: string): boolean {
  return exists(machine, `${folder}/cgroup.sane_behavior`);
}

export function exists(machine: Machine, path: string): boolean {
  try {
    machine.inode(path);
    return true;
  } catch {
    return false;
  }
}

function readFlag(machine: Machine, file: string): string | null {
  try {
    return machine.readText(file).trim();
  } catch {
    return null;
  }
}

/**
 * The cgroup of a process of this machine; `null` where no cgroup of it can be seen. @throws HotaddError
 * HOTADD_GONE
 */
export function locateGroupOf(machine: Machine, pid: number | 'self'): LocatedGroup | null {
  const membership = readMembership(machine, pid);
  if (membership === null) return null;
  if (membership.deleted) {
    throw new HotaddError('HOTADD_GONE', `the cgroup ${membership.path} of process ${pid} has been removed`, {
      place: `/proc/${pid}/cgroup`,
    });
  }
  return locateGroup(machine, membership, readMemoryMounts(machine, membership.version));
}
