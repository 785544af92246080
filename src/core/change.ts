// A change of memory: usable went from A to B. Read this beside notifier.ts, which takes one through the
// drivers.

/**
 * Where a change is, in the words of KeRegisterProcessorChangeCallback (start, complete, failure); an
 * observed change has only its arrival.
 */
export type Phase = 'start' | 'complete' | 'failure' | 'arrival';

/** Usable memory went from one amount to another. */
export interface Change {
  /** Only rises, over restarts too. */
  readonly changeId: number;
  /** `repair`: memory is as it was, and drivers differ from the plan (drift pass). */
  readonly kind: 'grow' | 'shrink' | 'repair';
  /** `observed`: it has happened. `planned`: hotadd carries it out. */
  readonly origin: 'observed' | 'planned';
  /** Usable memory that was planned for last. */
  readonly fromBytes: number;
  /** Usable memory now; of a planned change, what was asked for. */
  readonly toBytes: number;
  /** What moved, for people: `memory.max of /app`, `MemTotal`. */
  readonly cause: string;
}

/** What listeners hear. It carries no amount to add up: they read `partition.memory` (N18). */
export interface News {
  /** Number of the change. 0: memory that is there already (`existing`). */
  readonly changeId: number;
  /** Which way memory went; `repair`: it is as it was. */
  readonly kind: Change['kind'];
  /** How far the change is. */
  readonly phase: Phase;
  /** What moved, for people; `existing` for memory that is there already. */
  readonly cause: string;
}
