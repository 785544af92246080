// The lab, as `hotadd/lab`: real memory is added to and taken from the running kernel of a QEMU guest, and
// any software can be watched while that happens. See docs/guides/lab.md.
export { type Ended, GuestProcess, type RunOptions, type RunResult } from './door.ts';
export type { KernelName } from './image/kernel.ts';
export { lab } from './lab.ts';
export { LabError } from './lab-error.ts';
export type { MemoryModule, Removal } from './modules.ts';
export type { OnlinePolicy, OpenOptions, Prepared } from './open-options.ts';
export { TOPOLOGIES, type Topology, type TopologyName } from './topology.ts';
export { type Program, Vm } from './vm.ts';
