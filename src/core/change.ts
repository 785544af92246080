// A change of memory: usable went from A to B. Read this beside notifier.ts, which takes one through the
// drivers.

/**
 * Where a change is, in the words of KeRegisterProcessorChangeCallback (start, complete, failure); an
 * observed change has only its arrival.
 */
export type Phase = 'start' | 'complete' | 'failure' | 'arrival';

export interface Change {
  /** Only rises, over restarts too. */
  readonly changeId: number;
  /** `repair`: memory is as it was, and drivers differ from the plan (drift pass). */
  readonly kind: 'grow' | 'shrink' | 'repair';
  /** `observed`: it has happened. `planned`: hotadd carries it out. */
  readonly origin: 'observed' | 'planned';
  readonly fromBytes: number;
  readonly toBytes: number;
  /** What moved, for people: `memory.max of /app`, `MemTotal`. */
  readonly cause: string;
}

/** What listeners hear. It carries no amount to add up: they read `partition.memory` (N18). */
export interface News {
  readonly changeId: number;
  readonly kind: Change['kind'];
  readonly phase: Phase;
  readonly cause: string;
}
