// A listener of kernel uevents in the guest that is not the agent's: what it has heard proves which movements
// of memory emit something, and which only the poll can find (S3).
import type { GuestProcess, Vm } from '../index.ts';

/** A device that is always there and has nothing to do with memory: it is made to emit the marks. */
const MARKED_DEVICE = '/sys/class/mem/null/uevent';
const MARK_UUID = '12345678-1234-1234-1234-123456789abc';

export class UeventListener {
  readonly #vm: Vm;
  readonly #process: GuestProcess;
  #marks = 0;

  constructor(vm: Vm, process: GuestProcess) {
    this.#vm = vm;
    this.#process = process;
  }

  /**
   * All uevents of memory and nodes so far, in the kernel's order: `add memory32`. It has the kernel emit a
   * mark and waits until that is heard, so what is not in the list was not emitted.
   */
  async heard(): Promise<string[]> {
    this.#marks += 1;
    await this.#vm.write(MARKED_DEVICE, `change ${MARK_UUID} MARK=${this.#marks}`);
    await this.#process.match(new RegExp(`^change mem null ${this.#marks}$`, 'm'));
    const heard = this.#process.lines.map((line) => line.split(' '));
    return heard
      .filter(([, subsystem]) => subsystem === 'memory' || subsystem === 'node')
      .map(([action, , name]) => `${action} ${name}`);
  }
}

export async function listenToUevents(vm: Vm): Promise<UeventListener> {
  const told = 'echo $ACTION $SUBSYSTEM $' + '{DEVPATH##*/} $SYNTH_ARG_MARK';
  const listener = new UeventListener(vm, await vm.start(['uevent', 'sh', '-c', told]));
  await vm.until(
    'the listener has its socket',
    () => vm.read('/proc/net/netlink'),
    (sockets) => sockets.split('\n').filter((line) => / 15 +\d+ +00000001 /.test(line)).length > 1,
  );
  return listener;
}
