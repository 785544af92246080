// Starts QEMU and keeps hold of it. The monitor and the door are sockets that QEMU inherits, so there is no
// path to clean up; and QEMU dies with the process that started it, even when that is killed (setpriv).
//
// Software emulation by name, never "KVM if there is /dev/kvm": a paravirtual KVM opens, answers, and then
// does not boot an ordinary kernel.
import { type ChildProcess, spawn } from 'node:child_process';
import type { Duplex } from 'node:stream';
import { LabError } from './lab-error.ts';
import { environment } from './programs.ts';

const QEMU = 'qemu-system-x86_64';
/** File descriptors in QEMU: 0, 1 and 2 are the console. */
const MONITOR_FD = 3;
const DOOR_FD = 4;
const CONSOLE_MOST = 1024 ** 2;

export interface QemuOptions {
  readonly vmlinuz: string;
  readonly initramfs: string;
  /** The system disk, an ext4 image. */
  readonly disk: string;
  /** The cargo disk, when it is plugged in from the start; `null`: it comes later, or not. */
  readonly cargo: string | null;
  /** Words of the kernel command line, beside the lab's own. */
  readonly commandLine: string;
  /** Arguments of the topology. */
  readonly machine: readonly string[];
  /** File of a saved state to go on from; `null`: boot. */
  readonly state: string | null;
}

export class Qemu {
  readonly monitor: Duplex;
  readonly door: Duplex;
  readonly #process: ChildProcess;
  readonly #exited: Promise<void>;
  #console = '';
  #closing = false;

  /** @param onExit called once when QEMU ends by itself. */
  constructor(options: QemuOptions, onExit: (error: LabError) => void) {
    const command = ['--pdeathsig', 'KILL', QEMU, ...argumentsOf(options)];
    this.#process = spawn('setpriv', command, {
      stdio: ['ignore', 'pipe', 'pipe', 'pipe', 'pipe'],
      env: environment,
    });
    this.monitor = this.#process.stdio[MONITOR_FD] as Duplex;
    this.door = this.#process.stdio[DOOR_FD] as Duplex;
    for (const stream of [this.#process.stdout, this.#process.stderr]) {
      stream?.setEncoding('latin1').on('data', (text: string) => {
        this.#console = (this.#console + text).slice(-CONSOLE_MOST);
      });
    }
    const killed = () => this.#process.kill('SIGKILL');
    process.once('exit', killed);
    this.#exited = new Promise((resolve) => {
      const ended = (problem: string, mend?: string) => {
        process.off('exit', killed);
        if (!this.#closing) {
          onExit(new LabError(problem, { console: this.console, ...(mend === undefined ? {} : { mend }) }));
        }
        resolve();
      };
      this.#process.once('error', ({ message }) => ended(message, 'apt-get install util-linux'));
      this.#process.once('close', (code, signal) => {
        const missing = code === 127 ? 'apt-get install qemu-system-x86' : undefined;
        ended(`QEMU ended (${signal ?? code})`, missing);
      });
    });
  }

  /** What the guest's kernel and the first program printed, and QEMU's own complaints. */
  get console(): string {
    return this.#console;
  }

  get pid(): number {
    return this.#process.pid ?? 0;
  }

  async kill(): Promise<void> {
    this.#closing = true;
    this.#process.kill('SIGKILL');
    await this.#exited;
  }
}

function argumentsOf(options: QemuOptions): string[] {
  const { vmlinuz, initramfs, disk, cargo, commandLine, machine, state } = options;
  return [
    ...['-machine', 'pc', '-accel', 'tcg,thread=multi', '-cpu', 'max'],
    ...['-nodefaults', '-no-user-config', '-display', 'none', '-no-reboot'],
    ...['-kernel', vmlinuz, '-initrd', initramfs],
    ...['-append', `console=ttyS0 quiet panic=-1 ${commandLine}`],
    ...['-drive', `if=none,id=system,file=${comma(disk)},format=raw,readonly=on`],
    ...['-device', 'virtio-blk-pci,drive=system'],
    ...['-serial', 'stdio'],
    ...['-chardev', `socket,id=door,fd=${DOOR_FD}`, '-serial', 'chardev:door'],
    ...['-chardev', `socket,id=monitor,fd=${MONITOR_FD}`, '-mon', 'chardev=monitor,mode=control'],
    ...machine,
    ...(cargo === null ? [] : cargoArguments(cargo)),
    ...(state === null ? [] : ['-incoming', `exec:cat ${quoted(state)}`]),
  ];
}

function cargoArguments(path: string): string[] {
  return [...['-blockdev', JSON.stringify(cargoBlock(path))], ...['-device', JSON.stringify(CARGO_DEVICE)]];
}

/** The file of the cargo disk, as QEMU's blockdev-add and -blockdev take it. */
export function cargoBlock(path: string): Readonly<Record<string, unknown>> {
  const file = { driver: 'file', filename: path, 'read-only': true };
  return { driver: 'raw', 'node-name': 'cargo', 'read-only': true, file };
}

/** The cargo disk, always at the same place: a saved state holds it there. */
export const CARGO_DEVICE = { driver: 'virtio-blk-pci', id: 'cargo', drive: 'cargo', addr: '0x10' } as const;

/** In an option of QEMU a comma is written twice. */
function comma(path: string): string {
  return path.replaceAll(',', ',,');
}

export function quoted(path: string): string {
  return `'${path.replaceAll("'", "'\\''")}'`;
}
