// Opens guests. The first one of a topology boots (3 s under emulation) and its state is saved; those that
// follow go on from there (0.3 s). A state that cannot be used is thrown away, and the guest boots.
import { execFile } from 'node:child_process';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { digest, discard, makeOnce } from './cache.ts';
import { Door, type DoorState } from './door.ts';
import { cargoDisk, systemDisk } from './image/disks.ts';
import { makeInitramfs } from './image/initramfs.ts';
import { type Kernel, openKernel } from './image/kernel.ts';
import { LabError } from './lab-error.ts';
import { checkWords, type OpenOptions, topologyOf } from './open-options.ts';
import { environment, findProgram } from './programs.ts';
import { CARGO_DEVICE, cargoBlock, Qemu, type QemuOptions, quoted } from './qemu.ts';
import { Qmp } from './qmp.ts';
import { argumentsOf } from './topology.ts';
import { Vm } from './vm.ts';

const run = promisify(execFile);
const BOOT_MS = 60_000;
const BOOTS = 5;
/** What the guest's first program prints. */
const FIRST_WORDS = 'lab: up';
/** The files of a saved state: the guest's memory, and what the host knew of its programs. */
const MEMORY = 'memory';
const DOOR = 'door.json';
const NEEDED = [
  { command: 'qemu-system-x86_64', packageName: 'qemu-system-x86' },
  { command: 'setpriv', packageName: 'util-linux' },
  { command: 'mke2fs', packageName: 'e2fsprogs' },
  { command: 'dpkg-deb', packageName: 'dpkg' },
  { command: 'xz', packageName: 'xz-utils' },
  { command: '/bin/busybox', packageName: 'busybox-static' },
];

export const lab = {
  /**
   * A guest that runs.
   * @throws LabError when something that the lab needs is missing, or the guest does not come up; it ends
   * with the guest's last words.
   */
  open: openVm,
  /** `null`: the lab can run here; else what is missing, with the mend. */
  missing: findMissing,
};

function findMissing(): string | null {
  if (process.platform !== 'linux' || process.arch !== 'x64') return 'the lab runs on Linux on x86-64';
  const missing = NEEDED.filter(({ command }) => findProgram(command) === null);
  const packages = missing.map(({ packageName }) => packageName);
  if (packages.length === 0) return null;
  return `the lab needs what is not here; as root: apt-get install ${packages.join(' ')}`;
}

async function openVm(options: OpenOptions = {}): Promise<Vm> {
  const missing = findMissing();
  if (missing !== null) throw new LabError(missing);
  checkWords(options);
  const topology = topologyOf(options.topology ?? 'modules');
  const kernel = await openKernel(options.kernel ?? process.env.HOTADD_LAB_KERNEL ?? 'stable');
  const [disk, cargo] = await Promise.all([
    systemDisk(options.node ?? process.execPath),
    cargoDisk({
      hotadd: options.hotadd ?? true,
      programs: options.programs ?? [],
      folders: options.folders ?? {},
    }),
  ]);
  const initramfs = await initramfsFile(kernel);
  const boot: QemuOptions = {
    ...{ vmlinuz: kernel.vmlinuz, initramfs, disk, cargo: null, machine: argumentsOf(topology), state: null },
    commandLine: 'memhp_default_state=online',
  };
  const { vm } = await openGuest({ kernel, boot, cargo }, options);
  const policy = options.online ?? 'online';
  const file = '/sys/devices/system/memory/auto_online_blocks';
  if (policy !== 'online') await orClose(vm, vm.write(file, policy));
  return vm;
}

/** A guest that cannot be made ready is closed: nobody else would have hold of it. */
async function orClose(vm: Vm, work: Promise<unknown>): Promise<void> {
  try {
    await work;
  } catch (error) {
    await vm.close();
    throw error;
  }
}

interface Plan {
  readonly kernel: Kernel;
  readonly boot: QemuOptions;
  readonly cargo: string;
}

async function openGuest(plan: Plan, { fresh = false, prepared }: OpenOptions): Promise<Guest> {
  if (prepared === undefined) {
    const guest = fresh ? await boot(plan) : await restored(plan, '', () => boot(plan));
    await orClose(guest.vm, plugIn(guest, plan.cargo));
    return guest;
  }
  const make = async () => {
    const guest = await openGuest(plan, { fresh });
    await orClose(guest.vm, prepared.prepare(guest.vm));
    return guest;
  };
  const withDisk = { ...plan, boot: { ...plan.boot, cargo: plan.cargo } };
  return fresh ? make() : restored(withDisk, prepared.name + prepared.prepare, make);
}

/**
 * A guest that has booted, and nothing else. A kernel that dies before its first program runs is booted
 * again: 6.12.95 does so in every second boot under QEMU 7.2, at random places and whatever the processor;
 * 6.1 in none of 20.
 */
async function boot({ kernel, boot: options }: Plan): Promise<Guest> {
  for (let time = 1; ; time += 1) {
    try {
      return await begin(kernel, options);
    } catch (error) {
      if (time === BOOTS || String(error).includes(FIRST_WORDS)) throw error;
    }
  }
}

async function initramfsFile(kernel: Kernel): Promise<string> {
  const data = makeInitramfs(kernel);
  return makeOnce(`initramfs-${digest(data)}`, (into) => writeFile(into, data));
}

interface Guest {
  readonly vm: Vm;
  readonly qmp: Qmp;
  readonly door: Door;
}

/** Goes on from the saved state of such a guest; where there is none one is made, and its state saved. */
async function restored({ kernel, boot }: Plan, what: string, make: () => Promise<Guest>): Promise<Guest> {
  const version = await run('qemu-system-x86_64', ['--version'], { env: environment });
  const key = digest(JSON.stringify([boot, version.stdout, what]));
  const state = await makeOnce(`state-${key}`, (into) => saveNew(make, into));
  try {
    return await begin(kernel, { ...boot, state: join(state, MEMORY) });
  } catch {
    // A state that QEMU does not take, of whatever reason, is only time lost.
    await discard(state);
    return make();
  }
}

async function saveNew(make: () => Promise<Guest>, into: string): Promise<void> {
  await mkdir(into, { recursive: true });
  const { vm, qmp, door } = await make();
  try {
    await qmp.run('stop');
    await qmp.run('migrate-set-parameters', { 'max-bandwidth': 1e10 });
    await qmp.run('migrate', { uri: `exec:cat > ${quoted(join(into, MEMORY))}` });
    await vm.until('the state is saved', () => statusOf(qmp, 'query-migrate'), isOver, {
      timeoutMs: BOOT_MS,
    });
    await writeFile(join(into, DOOR), JSON.stringify(door.save()));
  } finally {
    await vm.close();
  }
}

function isOver(status: string | undefined): boolean {
  if (status === 'failed') throw new LabError('QEMU could not save the state of the guest');
  return status === 'completed';
}

async function statusOf(qmp: Qmp, query: string): Promise<string | undefined> {
  return ((await qmp.run(query)) as { readonly status?: string }).status;
}

async function begin(kernel: Kernel, options: QemuOptions): Promise<Guest> {
  let qmp: Qmp | null = null;
  let door: Door | null = null;
  let fail = (_error: Error) => {};
  const ended = new Promise<never>((_, reject) => {
    fail = reject;
  });
  ended.catch(() => undefined);
  const qemu = new Qemu(options, (error) => {
    fail(error);
    qmp?.end(error);
    door?.end(error);
  });
  qmp = new Qmp(qemu.monitor);
  door = new Door(qemu.door);
  const vm = new Vm({ qemu, qmp, door, kernel });
  const late = setTimeout(() => {
    fail(new LabError(`the guest is not up after ${BOOT_MS} ms`, { console: qemu.console }));
  }, BOOT_MS);
  try {
    await Promise.race([comeUp(qmp, door, options.state), ended]);
    return { vm, qmp, door };
  } catch (error) {
    await vm.close();
    throw error;
  } finally {
    clearTimeout(late);
  }
}

async function comeUp(qmp: Qmp, door: Door, state: string | null): Promise<void> {
  await qmp.open();
  if (state === null) {
    await door.hello;
    return;
  }
  while ((await statusOf(qmp, 'query-status')) === 'inmigrate') {
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  door.restore(JSON.parse(await readFile(join(dirname(state), DOOR), 'utf8')) as DoorState);
  await qmp.run('cont');
  await door.ask({ do: 'ping' });
}

/** Plugs the cargo disk into the guest that runs, and mounts it at /cargo. */
async function plugIn({ vm, qmp }: Guest, disk: string): Promise<void> {
  await qmp.run('blockdev-add', cargoBlock(disk));
  await qmp.run('device_add', CARGO_DEVICE);
  await vm.until(
    'the cargo disk is there',
    () => vm.list('/dev'),
    (names) => names.includes('vdb'),
  );
  await vm.shell('mount -t ext4 -o ro /dev/vdb /cargo');
}
