// /proc/PID/mountinfo: where the cgroup hierarchies are mounted, and which part of each. /proc/cgroups is
// never read: it has been changed and lies on new kernels. Source: Documentation/filesystems/proc.rst,
// section 3.5.

export interface CgroupMount {
  readonly version: 1 | 2;
  /** v1: the controllers of the hierarchy. */
  readonly controllers: readonly string[];
  /** The cgroup that shows at the mount point; `/../..` when it is above our cgroup namespace. */
  readonly root: string;
  readonly mountPoint: string;
}

/** The kernel writes space, tab, line end and backslash as octal numbers: `\040`. */
function unescaped(field: string): string {
  return field.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)));
}

/**
 * The cgroup mounts, in the order of the file. Lines with missing fields are passed over, and so are mounts
 * whose cgroup has been deleted.
 */
export function parseMountinfo(text: string): CgroupMount[] {
  const mounts: CgroupMount[] = [];
  for (const line of text.split('\n')) {
    // id parent major:minor root mountpoint options [optional ...] - type source superoptions
    const fields = line.split(' ');
    const dash = fields.indexOf('-', 6);
    const root = fields[3];
    const mountPoint = fields[4];
    const type = fields[dash + 1];
    if (dash < 0 || root === undefined || mountPoint === undefined) continue;
    if (type !== 'cgroup' && type !== 'cgroup2') continue;
    if (!root.startsWith('/') || !mountPoint.startsWith('/') || root.endsWith('//deleted')) continue;
    mounts.push({
      version: type === 'cgroup2' ? 2 : 1,
      // The source may be empty or missing; the super options are the last field either way.
      controllers: type === 'cgroup' ? (fields.at(-1) ?? '').split(',') : [],
      root: unescaped(root),
      mountPoint: unescaped(mountPoint),
    });
  }
  return mounts;
}
