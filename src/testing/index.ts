// hotadd/testing: what an author needs to test a driver, and software that follows memory, on a server whose
// memory changes. The reference (docs/reference/testing.md) is written from here, under the headings of this
// file, by scripts/write-api-reference.ts.

// ---- Checks of a driver ----

export {
  type CheckDriverOptions,
  checkDriver,
  type DriverCheck,
  type DriverTally,
  type MakeDriver,
} from './check-driver.ts';

// ---- Time and chance ----

export { ClockSim } from './clock-sim.ts';
export { RandomSim } from './random-sim.ts';

// ---- A simulated server ----

export type { ModuleOptions, ModuleSim, ServiceProcessorSim } from './module-sim.ts';
export type { PlatformName, PlatformSim } from './platform-sim.ts';
export { type HotOutcome, ServerSim, type ServerSimOptions } from './server-sim.ts';

// ---- A partition of it ----

export type { ConditionName, ConditionsSim } from './conditions-sim.ts';
export type { DeliveryOptions, DeliverySim } from './delivery-sim.ts';
export type { PartitionSim, PartitionSimOptions } from './partition-sim.ts';
export type { PoolName, PoolSim } from './pools-sim.ts';
export type { ControlGroupSim, KillSim, ProcessSim } from './software-sim.ts';

// ---- A machine alone ----

export { MachineSim, type MachineSimOptions } from './machine-sim.ts';
export type { RangeSim, ZoneSim } from './memory-sim.ts';

// ---- A driver that misbehaves ----

export { type Behaviour, DriverSim, type DriverSimOptions } from './driver-sim.ts';
