// hotadd/testing: what an author of a driver needs to test it without a machine whose memory changes.
export {
  type CheckDriverOptions,
  checkDriver,
  type DriverCheck,
  type DriverTally,
  type MakeDriver,
} from './check-driver.ts';
export { ClockSim } from './clock-sim.ts';
export { type Behaviour, DriverSim, type DriverSimOptions } from './driver-sim.ts';
export { MachineSim, type MachineSimOptions, type ModuleSim, type ZoneSim } from './machine-sim.ts';
