// Captures guests of the lab into test/fixtures/machines: the same kernel before, while and after its memory
// changes, and what virtio-mem, a balloon, NUMA and nested limits look like to a program.
//   node scripts/capture-guests.ts [NAME...]
// Beside what capture-machine.ts copies, each tree gets captured.json: the facts as plain shell read them at
// that moment, for the test to compare hotadd with.
import { execFileSync } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { lab, type OpenOptions, type Vm } from '../lab/index.ts';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const MACHINES = join(ROOT, 'test/fixtures/machines');
const MiB = 1024 ** 2;
const BLOCKS = '/sys/devices/system/memory';

interface Guest {
  readonly name: string;
  readonly open: OpenOptions;
  /** Brings the guest into the state that is captured. Resolves with the cgroup to look from, if any. */
  readonly prepare: (vm: Vm) => Promise<string | undefined>;
}

const nothing = async () => undefined;

const GUESTS: readonly Guest[] = [
  { name: 'x86_64-512m-guest', open: {}, prepare: nothing },
  {
    name: 'x86_64-1g-guest-module-offline',
    open: { online: 'offline' },
    prepare: async (vm) => {
      await vm.addModule(512 * MiB);
      return undefined;
    },
  },
  {
    name: 'x86_64-1g-guest-module-half-online',
    open: { online: 'offline' },
    prepare: async (vm) => {
      const { blocks } = await vm.addModule(512 * MiB);
      for (const block of blocks.slice(0, 2)) await vm.write(`${BLOCKS}/memory${block}/state`, 'online');
      return undefined;
    },
  },
  {
    name: 'x86_64-1g-guest-module-online',
    open: {},
    prepare: async (vm) => {
      await vm.addModule(512 * MiB);
      return undefined;
    },
  },
  {
    name: 'x86_64-1g-guest-node-appeared',
    open: { topology: 'numa-empty-node', online: 'online_movable' },
    prepare: async (vm) => {
      await vm.addModule(512 * MiB, { node: 1 });
      return undefined;
    },
  },
  {
    name: 'x86_64-1g-guest-virtio-mem',
    open: { topology: 'virtio-mem' },
    prepare: async (vm) => {
      await vm.virtioMem.request(602 * MiB);
      await vm.until(
        'all is plugged',
        () => vm.virtioMem.plugged(),
        (bytes) => bytes === 602 * MiB,
      );
      return undefined;
    },
  },
  {
    name: 'x86_64-1g-guest-balloon',
    open: { topology: 'balloon' },
    prepare: async (vm) => {
      const before = await vm.memTotalBytes();
      await vm.balloon.set(640 * MiB);
      await vm.until(
        'the balloon is up',
        () => vm.memTotalBytes(),
        (now) => now === before - 384 * MiB,
      );
      return undefined;
    },
  },
  {
    name: 'x86_64-512m-guest-nested-limits',
    open: {},
    prepare: async (vm) => {
      const outer = '/sys/fs/cgroup/outer';
      await vm.makeFolder(`${outer}/app`);
      await vm.write(`${outer}/cgroup.subtree_control`, '+memory');
      await vm.write(`${outer}/memory.high`, String(200 * MiB));
      await vm.write(`${outer}/app/memory.max`, String(256 * MiB));
      return `${outer}/app`;
    },
  },
];

const asked = new Set(process.argv.slice(2));
for (const guest of GUESTS.filter(({ name }) => asked.size === 0 || asked.has(name))) {
  console.log(`${guest.name}: ${await capture(guest)} files`);
}

async function capture({ name, open, prepare }: Guest): Promise<number> {
  const folders = { 'repository/src': join(ROOT, 'src'), 'repository/scripts': join(ROOT, 'scripts') };
  const vm = await lab.open({ ...open, hotadd: false, folders });
  try {
    const cgroup = await prepare(vm);
    const within = cgroup === undefined ? {} : { cgroup };
    const script = '/cargo/repository/scripts/capture-machine.ts';
    const copied = await vm.run(['node', script, '/tmp/captured'], within);
    if (copied.code !== 0) throw new Error(`${name}: ${copied.stderr}`);
    const archive = await vm.shell('tar -C /tmp/captured -cf - . | gzip | base64');
    const to = join(MACHINES, name);
    rmSync(to, { recursive: true, force: true });
    mkdirSync(to, { recursive: true });
    execFileSync('tar', ['-xzf', '-', '-C', to], { input: Buffer.from(archive, 'base64') });
    writeFileSync(join(to, 'captured.json'), `${JSON.stringify(await facts(vm, cgroup), null, 2)}\n`);
    return Number(/^\d+/.exec(copied.stdout)?.[0] ?? 0);
  } finally {
    await vm.close();
  }
}

/** What plain shell reads; limits from the own cgroup up. */
async function facts(vm: Vm, cgroup: string | undefined): Promise<Record<string, unknown>> {
  const count = (state: string) => vm.shell(`cat ${BLOCKS}/memory*/state | grep -cx ${state} || true`);
  const folders = cgroup === undefined ? [] : [cgroup, cgroup.replace(/\/[^/]+$/, '')];
  const limits = [];
  for (const folder of folders) {
    limits.push((await vm.shell(`cat ${folder}/memory.max ${folder}/memory.high`)).trim().split('\n'));
  }
  return {
    kernel: (await vm.shell('uname -r')).trim(),
    memTotalBytes: await vm.memTotalBytes(),
    blocksOnline: Number(await count('online')),
    blocksOffline: Number(await count('offline')),
    nodesOnline: (await vm.read('/sys/devices/system/node/online')).trim(),
    limits,
  };
}
