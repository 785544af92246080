// hotadd/workers: workers whose heap follows memory, because they are exchanged when it changes. An author
// gives what to open, and nothing of it is imported at run time. docs/reference/workers.md tells how.
export { type ClusterLike, type ClusterOptions, openCluster } from './cluster.ts';
export { type LeaveOptions, leaveWhenAsked } from './cluster-leave.ts';
export {
  openPiscina,
  type PiscinaGiven,
  type PiscinaLike,
  type PiscinaOptions,
  PiscinaPool,
  type PiscinaThread,
} from './piscina.ts';
export { type ThreadLike, threadHeap } from './thread-heap.ts';
export type { WorkerHeap } from './worker-heap.ts';
export type { HeapNow, RunningWorker, Wanted, WorkersOptions } from './worker-options.ts';
export { openWorkers, WorkerSet } from './worker-set.ts';
export { workers } from './workers.ts';
