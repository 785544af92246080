// Copies what hotadd reads of this machine into a folder, for test/fixtures/machines and for bug reports:
//   node scripts/capture-machine.ts FOLDER
// Nothing that names the machine is kept: ids are made up, cgroups are renumbered, other mounts are left out.
// Run the program on it with --root FOLDER.
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { machineOs } from '../src/host/machine-os.ts';
import { locateGroupOf, readMembership } from '../src/sense/cgroup.ts';

const MACHINE_ID = '0123456789abcdef0123456789abcdef';
const BOOT_ID = '01234567-89ab-cdef-0123-456789abcdef';
const MEMORY = '/sys/devices/system/memory';
const NODES = '/sys/devices/system/node';
const WHOLE = ['/proc/meminfo', '/proc/pressure/memory', '/sys/devices/system/cpu/online', `${NODES}/online`];
const OF_A_LEVEL = [
  'memory.max memory.high memory.current memory.swap.current memory.events memory.pressure cgroup.events',
  'memory.limit_in_bytes memory.usage_in_bytes memory.memsw.limit_in_bytes memory.oom_control',
  'memory.use_hierarchy memory.stat',
].flatMap((line) => line.split(' '));

const machine = machineOs();
const folder = process.argv[2];
if (folder === undefined) {
  console.error('capture-machine: say where to, such as: node scripts/capture-machine.ts captured');
  process.exit(2);
}
const copied = capture(folder);
console.log(`${copied} files copied to ${folder}`);

function capture(to: string): number {
  let count = 0;
  const write = (path: string, text: string) => {
    const place = join(to, path);
    mkdirSync(dirname(place), { recursive: true });
    writeFileSync(place, text);
    count += 1;
  };
  const copy = (path: string, keep: (text: string) => string = (text) => text, target = path) => {
    let text: string;
    try {
      text = machine.readText(path);
    } catch {
      // A file that this machine does not have is part of the picture.
      return;
    }
    write(target, keep(text));
  };
  for (const path of WHOLE) copy(path);
  copy('/proc/zoneinfo', (text) => linesOf(text, /^Node \d+, zone|^\s+managed /));
  copy('/proc/vmstat', (text) => linesOf(text, /^oom_kill /));
  copy('/etc/machine-id', () => `${MACHINE_ID}\n`);
  copy('/proc/sys/kernel/random/boot_id', () => `${BOOT_ID}\n`);
  copy(`${MEMORY}/block_size_bytes`);
  for (const block of namesIn(MEMORY, /^memory\d+$/)) copy(`${MEMORY}/${block}/state`);
  for (const node of namesIn(NODES, /^node\d+$/)) {
    copy(`${NODES}/${node}/meminfo`, (text) => linesOf(text, /MemTotal:/));
  }
  captureGroups(copy);
  return count;
}

type Copy = (path: string, keep?: (text: string) => string, target?: string) => void;

function captureGroups(copy: Copy): void {
  const membership = readMembership(machine, 'self');
  const group = locateGroupOf(machine, 'self');
  const renumber = renumberer();
  if (membership === null || group === null) return;
  copy('/proc/self/cgroup', (text) =>
    text
      .split('\n')
      .map((line) =>
        line.replace(/^(\d+:[^:]*:)(.*)$/, (_, head: string, path: string) => head + renumber(path)),
      )
      .join('\n'),
  );
  copy('/proc/self/mountinfo', (text) =>
    linesOf(text, / \/sys\/fs\/cgroup\S* .* - cgroup2? /)
      .split('\n')
      .map((line) => {
        const fields = line.split(' ');
        fields[3] = renumber(fields[3] ?? '/');
        return line === '' ? '' : fields.join(' ');
      })
      .join('\n'),
  );
  const below = group.path === '/' ? '' : group.path;
  const top = group.folder.slice(0, group.folder.length - below.length) || group.folder;
  const target = (path: string) =>
    path.startsWith(`${top}/`) ? top + renumber(path.slice(top.length)) : path;
  for (const level of group.visible) {
    for (const name of OF_A_LEVEL)
      copy(`${level.folder}/${name}`, undefined, `${target(level.folder)}/${name}`);
  }
  copy(`${top}/cgroup.sane_behavior`);
  copy(`${top}/cgroup.controllers`);
}

/**
 * `/system.slice/secret.service` becomes `/level-1/level-2`; the same name always becomes the same number.
 */
function renumberer(): (path: string) => string {
  const numbers = new Map<string, string>();
  return (path) =>
    path
      .split('/')
      .map((segment) => {
        if (segment === '' || segment === '..') return segment;
        const known = numbers.get(segment) ?? `level-${numbers.size + 1}`;
        numbers.set(segment, known);
        return known;
      })
      .join('/');
}

function linesOf(text: string, wanted: RegExp): string {
  return text
    .split('\n')
    .filter((line) => wanted.test(line))
    .map((line) => `${line}\n`)
    .join('');
}

function namesIn(path: string, wanted: RegExp): string[] {
  try {
    return machine.list(path).filter((name) => wanted.test(name));
  } catch {
    return [];
  }
}
