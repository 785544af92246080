// How a person names a partition: machine | self | cgroup:/path | pid:N | unit:NAME (S8).
import { HotaddError } from '../core/errors.ts';

export type PartitionName =
  | { readonly kind: 'machine' }
  /** The cgroup of this process; the machine in the root cgroup, or where no cgroup can be seen. */
  | { readonly kind: 'self' }
  | { readonly kind: 'cgroup'; readonly path: string }
  | { readonly kind: 'pid'; readonly pid: number }
  | { readonly kind: 'unit'; readonly name: string };

const FORMS = 'write machine, self, cgroup:/path, pid:N or unit:NAME';
const UNIT_SUFFIX = /\.(?:service|slice|scope|socket|mount|swap)$/;
// What systemd allows in a unit's name (man 5 systemd.unit); above all, no slash.
const UNIT_NAME = /^[\w:.\\@-]+$/;

/** @throws HotaddError HOTADD_BAD_USAGE, naming the text and the forms. */
export function parsePartitionName(text: string): PartitionName {
  const colon = text.indexOf(':');
  const kind = colon < 0 ? text : text.slice(0, colon);
  const rest = colon < 0 ? null : text.slice(colon + 1);
  if ((kind === 'machine' || kind === 'self') && rest === null) return { kind };
  if (kind === 'cgroup' && rest !== null) return { kind, path: parseCgroupPath(text, rest) };
  if (kind === 'pid' && rest !== null) return { kind, pid: parsePid(text, rest) };
  if (kind === 'unit' && rest !== null) return { kind, name: parseUnit(text, rest) };
  throw new HotaddError('HOTADD_BAD_USAGE', `"${text}" names no partition`, { mend: FORMS });
}

function parseCgroupPath(text: string, path: string): string {
  const parts = path.split('/');
  if (!path.startsWith('/') || parts.includes('..') || parts.includes('.') || path.includes('\0')) {
    throw new HotaddError('HOTADD_BAD_USAGE', `"${text}" holds no path of a cgroup`, {
      mend: 'write it from the top and without dots, such as cgroup:/system.slice/redis.service',
    });
  }
  return `/${parts.filter((part) => part !== '').join('/')}`;
}

function parsePid(text: string, digits: string): number {
  const pid = /^\d{1,10}$/.test(digits) ? Number(digits) : 0;
  if (pid > 0) return pid;
  throw new HotaddError('HOTADD_BAD_USAGE', `"${text}" holds no process number`, {
    mend: 'write it in digits, such as pid:1234',
  });
}

/** As systemctl does, a name without a suffix is a service. */
function parseUnit(text: string, name: string): string {
  if (!UNIT_NAME.test(name)) {
    throw new HotaddError('HOTADD_BAD_USAGE', `"${text}" holds no name of a unit`, {
      mend: 'write it as systemctl does, such as unit:redis.service',
    });
  }
  return UNIT_SUFFIX.test(name) ? name : `${name}.service`;
}
