// The cgroup of a systemd unit, by its name. systemd puts a unit's cgroup below its slice, and a slice
// a-b.slice below a.slice (man 5 systemd.slice); which slice is the unit's own choice, so slices are
// searched.
import { HotaddError } from '../core/errors.ts';
import type { Machine } from '../core/machine.ts';
import { exists } from './cgroup.ts';
import type { CgroupMount } from './mountinfo.ts';

// Units live below slices, and below the manager that each logged-in user has.
const HOLDS_UNITS = /\.slice$|^user@\d+\.service$/;
const DEEPEST = 8;

/**
 * @returns the cgroup's path. @throws HotaddError HOTADD_NO_PARTITION when there is none, or more than one.
 */
export function findUnit(machine: Machine, mounts: readonly CgroupMount[], name: string): string {
  const found = new Set<string>();
  for (const mount of mounts) {
    const root = mount.root === '/' ? '' : mount.root;
    for (const below of searchUnit(machine, mount.mountPoint, name)) found.add(`${root}${below}`);
  }
  const [first, second] = found;
  if (first !== undefined && second === undefined) return first;
  if (first === undefined) {
    throw new HotaddError('HOTADD_NO_PARTITION', 'no running unit of this name has a memory cgroup', {
      place: `unit:${name}`,
      mend: 'start it; with cgroup v1 also set MemoryAccounting=yes for it',
    });
  }
  throw new HotaddError('HOTADD_NO_PARTITION', `several units have this name: ${[...found].join(', ')}`, {
    place: `unit:${name}`,
    mend: `name one by its path, such as cgroup:${first}`,
  });
}

function searchUnit(machine: Machine, top: string, name: string): string[] {
  const found: string[] = [];
  let folders = [''];
  for (let depth = 0; depth < DEEPEST && folders.length > 0; depth += 1) {
    const next: string[] = [];
    for (const folder of folders) {
      if (exists(machine, `${top}${folder}/${name}`)) found.push(`${folder}/${name}`);
      for (const entry of listOrNone(machine, `${top}${folder}`)) {
        if (HOLDS_UNITS.test(entry)) next.push(`${folder}/${entry}`);
      }
    }
    folders = next;
  }
  return found;
}

function listOrNone(machine: Machine, folder: string): string[] {
  try {
    return machine.list(folder);
  } catch {
    return [];
  }
}
