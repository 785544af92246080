// What a guest is asked for, in words: checked before anything is made.
import type { KernelName } from './image/kernel.ts';
import { LabError } from './lab-error.ts';
import { TOPOLOGIES, type Topology, type TopologyName } from './topology.ts';
import type { Vm } from './vm.ts';

const OPTIONS: ReadonlySet<string> = new Set(
  'topology online kernel programs folders hotadd node prepared fresh'.split(' '),
);
const POLICIES: ReadonlySet<string> = new Set(['offline', 'online', 'online_kernel', 'online_movable']);

/** The kernel's words for what becomes of memory that is added (`auto_online_blocks`). */
export type OnlinePolicy = 'offline' | 'online' | 'online_kernel' | 'online_movable';

export interface OpenOptions {
  /** A named topology, or one of your own. Default: `modules`. */
  readonly topology?: TopologyName | Topology;
  /** What becomes of memory that is added. Default: `online`; Debian's own default is `offline`. */
  readonly online?: OnlinePolicy;
  /** Default: $HOTADD_LAB_KERNEL, or `stable`. */
  readonly kernel?: KernelName;
  /** Programs of this machine that the guest gets, with their libraries: `['redis-server']`. */
  readonly programs?: readonly string[];
  /** Folders of this machine that the guest gets read-only: `{ app: '.' }` is /cargo/app there. */
  readonly folders?: Readonly<Record<string, string>>;
  /** Whether the guest gets hotadd, as built. Default: true. */
  readonly hotadd?: boolean;
  /** The Node that the guest runs. Default: the one that runs this. */
  readonly node?: string;
  /**
   * What is done in the guest once, and then saved with it: software that is started and has warmed up.
   * What it started is found again by its number, with all that it had printed.
   */
  readonly prepared?: Prepared;
  /** True: boots, whatever is saved. */
  readonly fresh?: boolean;
}

export interface Prepared {
  /** Names what `prepare` does. Another name, or another text of the function, is prepared anew. */
  readonly name: string;
  prepare(vm: Vm): Promise<void>;
}

/** A word that is misspelt would be left out in silence. */
export function checkWords(options: OpenOptions): void {
  const unknown = Object.keys(options).find((key) => !OPTIONS.has(key));
  if (unknown !== undefined) {
    throw new LabError(`there is no option "${unknown}"`, { mend: `one of ${[...OPTIONS].join(', ')}` });
  }
  if (options.online === undefined || POLICIES.has(options.online)) return;
  throw new LabError(`online: there is no policy "${options.online}"`, {
    mend: `one of ${[...POLICIES].join(', ')}`,
  });
}

export function topologyOf(topology: TopologyName | Topology): Topology {
  if (typeof topology !== 'string') return topology;
  const found = TOPOLOGIES[topology];
  if (found !== undefined) return found;
  throw new LabError(`there is no topology "${topology}"`, {
    mend: `one of ${Object.keys(TOPOLOGIES).join(', ')}, or one of your own`,
  });
}
