// How a simulated machine is made.
import type { DeliverySim } from './delivery-sim.ts';

/** What a machine is like. */
export interface MachineSimOptions {
  /** Memory there at boot; whole blocks. */
  readonly bootBytes: number;
  /** The same by NUMA node. Default: all of it on node 0, and a machine that tells no nodes. */
  readonly nodes?: readonly { readonly bytes: number }[];
  /** Only so much has addresses, declared at boot (N6). Default: 16 x what is there at boot. */
  readonly ceilingBytes?: number;
  /** The kernel's unit of online and offline. Default: 128 MiB. */
  readonly blockBytes?: number;
  /** How many it has. Default: 2. */
  readonly cpus?: number;
  /** In use now, by everything that runs on it beside its processes. Default: nothing. */
  readonly usedBytes?: () => number;
  /** The text of `/etc/machine-id`. Default: always the same. */
  readonly machineId?: string;
  /** The text of `boot_id`. Default: always the same. */
  readonly bootId?: string;
  /**
   * The kernel's code, such as `EBUSY`, with which a block refuses to go offline; `undefined`: it goes.
   * Default: all go but block 0.
   */
  readonly refuses?: (block: number) => string | undefined;
  /** Awaited before a block goes offline. Default: it goes at once. */
  readonly offlining?: (block: number) => Promise<void>;
  /** How hints come. Default: at once, each once. */
  readonly delivery?: DeliverySim;
  /**
   * False: a system without /proc and /sys, which tells its total memory and nothing else (S9). Default:
   * true.
   */
  readonly kernelFiles?: boolean;
  /** Milliseconds since boot. Default: always 0. */
  readonly monotonicMs?: () => number;
}
