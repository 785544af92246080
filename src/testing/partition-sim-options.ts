// How a simulated partition is made, and what of the server it is handed.
import type { Clock } from '../core/clock.ts';
import type { DeliveryOptions } from './delivery-sim.ts';
import type { ModuleSim } from './module-sim.ts';
import type { PlatformSim } from './platform-sim.ts';
import type { RandomSim } from './random-sim.ts';

/** What a partition is like. */
export interface PartitionSimOptions {
  /** Spares, or bytes of new modules, that it starts with. */
  readonly modules: readonly (number | ModuleSim)[];
  /** Declared at boot: more can never be added until then (N6). Default: 16 x what it starts with. */
  readonly ceilingBytes?: number;
  /** The kernel's unit of online and offline; of a module only whole blocks start. Default: 128 MiB. */
  readonly blockBytes?: number;
  /** How many it has. Default: 2. */
  readonly cpus?: number;
  /** What the system does with memory that is added, in the kernel's words. Default: `online`. */
  readonly autoOnline?: 'offline' | 'online' | 'online_movable';
  /** In use by the system itself. Default: nothing. */
  readonly systemBytes?: number;
  /** How news of memory travels. Default: at once, each once. */
  readonly delivery?: DeliveryOptions;
  /** True: it tells its NUMA nodes. Default: when a module is on another node than 0. */
  readonly nodes?: boolean;
  /**
   * The kernel's code, such as `EBUSY`, with which a block refuses to go offline; `undefined`: it goes.
   * Default: all go but block 0.
   */
  readonly refuses?: (block: number) => string | undefined;
  /** How long a block takes to go offline, in ms. Default: no time. */
  readonly offlineMs?: number;
}

export interface PartitionSimSeams {
  readonly clock: Clock;
  readonly random: RandomSim;
  readonly platform: PlatformSim;
  /** Modules that the service processor gives to this partition. */
  modules(): readonly ModuleSim[];
}
