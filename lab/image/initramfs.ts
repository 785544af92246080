// The guest's first file system: busybox, the kernel's modules, the init script and the door. Small, because
// it stays in memory; Node is on the system disk (disks.ts).
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { LabError } from '../lab-error.ts';
import { packageRoot } from '../package-root.ts';
import { CHARACTER_DEVICE, cpio, type Entry, FILE, FOLDER, LINK, PROGRAM } from './cpio.ts';
import type { Kernel } from './kernel.ts';
import { collectModules } from './kernel-modules.ts';

const BUSYBOX = '/bin/busybox';
/** Loaded at boot; what the kernel has built in is left out. */
const MODULES = ['virtio_pci', 'virtio_blk', 'virtio_balloon', 'virtio_mem'];
const FOLDERS = ['proc', 'sys', 'dev', 'run', 'tmp', 'etc', 'system', 'cargo', 'sbin', 'var'];
/** Where programs expect the loader and their libraries. */
const ON_THE_SYSTEM_DISK = ['usr', 'lib', 'lib64'];

/** @throws LabError when busybox is missing. */
export function makeInitramfs(kernel: Kernel): Buffer {
  const modules = collectModules(kernel.modules, MODULES);
  const guest = join(packageRoot(), 'lab', 'guest');
  return cpio([
    ...FOLDERS.map((path) => ({ path, mode: FOLDER })),
    // The kernel opens it before the init script has mounted /dev.
    { path: 'dev/console', mode: CHARACTER_DEVICE, device: [5, 1] },
    { path: 'bin/busybox', mode: PROGRAM, data: readBusybox() },
    { path: 'bin/sh', mode: LINK, data: Buffer.from('busybox') },
    ...ON_THE_SYSTEM_DISK.map((path) => ({ path, mode: LINK, data: Buffer.from(`/system/${path}`) })),
    // What is copied to /tmp finds hotadd by its name.
    { path: 'node_modules', mode: LINK, data: Buffer.from('/cargo/node_modules') },
    { path: 'init', mode: PROGRAM, data: readFileSync(join(guest, 'init')) },
    { path: 'door.js', mode: FILE, data: readFileSync(join(guest, 'door.js')) },
    { path: 'etc/machine-id', mode: FILE, data: Buffer.from('0123456789abcdef0123456789abcdef\n') },
    { path: 'etc/passwd', mode: FILE, data: Buffer.from('root:x:0:0:root:/tmp:/bin/sh\n') },
    { path: 'etc/group', mode: FILE, data: Buffer.from('root:x:0:\n') },
    ...modules.map(({ name, data }): Entry => ({ path: `modules/${name}.ko`, mode: FILE, data })),
    { path: 'modules/list', mode: FILE, data: Buffer.from(modules.map(({ name }) => `${name}\n`).join('')) },
  ]);
}

/** A statically linked one: nothing else is there yet. */
function readBusybox(): Buffer {
  const mend = 'apt-get install busybox-static';
  try {
    const data = readFileSync(BUSYBOX);
    if (!data.includes('/ld-linux')) return data;
  } catch (cause) {
    throw new LabError(`${BUSYBOX} cannot be read`, { mend, cause });
  }
  throw new LabError(`${BUSYBOX} needs shared libraries, which the guest does not have yet`, { mend });
}
