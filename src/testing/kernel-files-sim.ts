// The texts of a simulated Linux: /proc and /sys as far as hotadd reads them, made from what the memory
// manager and the software of the machine say at that moment.
import type { FilesSim } from './files-sim.ts';
import { kernelError } from './files-sim.ts';
import type { BlockSim, MemorySim } from './memory-sim.ts';
import type { ControlGroupSim, LimitSim, ProcessSim, SoftwareSim } from './software-sim.ts';

export const MEMORY_FOLDER = '/sys/devices/system/memory';
export const BLOCK_FILE = /^\/sys\/devices\/system\/memory\/memory(\d+)\/(state|valid_zones)$/;
export const CGROUP_MOUNT = '/sys/fs/cgroup';
const NODES_FOLDER = '/sys/devices/system/node';
const KiB = 1024;
const PAGE_BYTES = 4096;

export interface KernelFilesOptions {
  readonly machineId: string;
  readonly bootId: string;
  readonly tellsNodes: boolean;
  /** A limit file has been written, or a folder has lost a cgroup. */
  onFile(path: string): void;
}

interface Counted {
  readonly memory: MemorySim;
  readonly software: SoftwareSim;
}

export function addKernelFiles(files: FilesSim, counted: Counted, options: KernelFilesOptions): void {
  const { memory, software } = counted;
  const text = (path: string, read: () => string) => files.set(path, { read });
  text('/etc/machine-id', () => `${options.machineId}\n`);
  text('/proc/sys/kernel/random/boot_id', () => `${options.bootId}\n`);
  text('/proc/meminfo', () => meminfo(counted));
  text('/proc/vmstat', () => `oom_kill ${software.kills}\n`);
  text('/proc/self/cgroup', () => '0::/\n');
  text('/proc/self/mountinfo', () => `30 24 0:26 / ${CGROUP_MOUNT} rw - cgroup2 cgroup2 rw\n`);
  text(`${CGROUP_MOUNT}/cgroup.controllers`, () => 'memory\n');
  text(`${MEMORY_FOLDER}/block_size_bytes`, () => `${memory.blockBytes.toString(16)}\n`);
  if (options.tellsNodes) addNodes(files, memory);
  software.onCgroup = (group) => addCgroup(files, group);
  software.onLimit = (group, limit) => options.onFile(limitFile(group, limit));
  software.onProcess = (process) => addProcess(files, process);
  software.onProcessEnd = ({ pid }) => files.remove(`/proc/${pid}`);
  software.onCgroupEnd = ({ path }) => {
    const folder = `${CGROUP_MOUNT}${path}`;
    files.remove(folder);
    options.onFile(folder.slice(0, folder.lastIndexOf('/')));
  };
}

/** @param file `state` or `valid_zones`. */
export function blockText({ state, zone }: BlockSim, file: string): string {
  if (file === 'state') return `${state}\n`;
  return `${state === 'offline' ? 'Normal Movable' : zone}\n`;
}

function meminfo({ memory, software }: Counted): string {
  const total = memory.onlineBytes / KiB;
  const available = Math.floor(Math.max(0, memory.onlineBytes - software.usedBytes) / KiB);
  return `MemTotal: ${total} kB\nMemFree: ${available} kB\nMemAvailable: ${available} kB\n`;
}

function addProcess(files: FilesSim, process: ProcessSim): void {
  const folder = `/proc/${process.pid}`;
  const zeros = ' 0'.repeat(17);
  files.set(`${folder}/stat`, {
    read: () => `${process.pid} (${process.name}) S 1${zeros} ${process.startTicks} 0 0\n`,
  });
  files.set(`${folder}/cgroup`, { read: () => `0::${process.cgroup}\n` });
  files.set(`${folder}/status`, {
    read: () => `Name:\t${process.name}\nVmRSS:\t${Math.ceil(process.usedBytes / KiB)} kB\nVmSwap:\t0 kB\n`,
  });
}

function addCgroup(files: FilesSim, group: ControlGroupSim): void {
  const folder = `${CGROUP_MOUNT}${group.path}`;
  for (const limit of ['maxBytes', 'highBytes'] as const) {
    const path = limitFile(group, limit);
    files.set(path, {
      read: () => `${group[limit]}\n`,
      write: (text) => {
        group[limit] = limitOf(text, path);
      },
    });
  }
  files.set(`${folder}/memory.current`, { read: () => `${group.usedBytes}\n` });
  files.set(`${folder}/memory.stat`, { read: () => 'active_file 0\ninactive_file 0\n' });
  files.set(`${folder}/memory.events`, { read: () => `oom_kill ${group.kills}\n` });
  files.set(`${folder}/cgroup.events`, { read: () => 'populated 1\n' });
}

function limitFile({ path }: ControlGroupSim, limit: LimitSim): string {
  return `${CGROUP_MOUNT}${path}/${limit === 'maxBytes' ? 'memory.max' : 'memory.high'}`;
}

/** As the kernel: whole pages, rounded down. */
function limitOf(text: string, path: string): number | 'max' {
  const word = text.trim();
  if (word === 'max') return word;
  if (!/^\d+$/.test(word)) throw kernelError('EINVAL', path);
  return Math.floor(Number(word) / PAGE_BYTES) * PAGE_BYTES;
}

function addNodes(files: FilesSim, memory: MemorySim): void {
  const numbers = () => [...memory.nodes].filter(([, { onlineBytes }]) => onlineBytes > 0);
  files.set(`${NODES_FOLDER}/online`, {
    read: () =>
      `${numbers()
        .map(([node]) => node)
        .join(',')}\n`,
  });
  files.set('/proc/zoneinfo', {
    read: () =>
      numbers()
        .map(([node, counted]) => zones(node, counted))
        .join(''),
  });
  for (const node of memory.nodes.keys()) addNode(files, memory, node);
  memory.onNode = (node) => addNode(files, memory, node);
}

function addNode(files: FilesSim, memory: MemorySim, node: number): void {
  files.set(`${NODES_FOLDER}/node${node}/meminfo`, {
    read: () => `Node ${node} MemTotal: ${(memory.nodes.get(node)?.onlineBytes ?? 0) / KiB} kB\n`,
  });
}

function zones(
  node: number,
  { onlineBytes, movableBytes }: { onlineBytes: number; movableBytes: number },
): string {
  const zone = (name: string, bytes: number) =>
    `Node ${node}, zone ${name}\n        managed ${bytes / PAGE_BYTES}\n`;
  return zone('Normal', onlineBytes - movableBytes) + zone('Movable', movableBytes);
}
