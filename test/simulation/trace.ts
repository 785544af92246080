// What happened in one history, as facts with their time: what the invariants are asked about.
import type { Phase } from '../../src/core/change.ts';
import type { Setting } from '../../src/core/driver.ts';
import type { Outcome } from '../../src/core/outcome.ts';
import type { Truth } from './store-sim.ts';

export type Fact = { readonly atMs: number; readonly life: number } & (
  | {
      readonly fact: 'asked';
      readonly driver: string;
      readonly changeId: number;
      readonly phase: Phase;
      /** `null`: settings are handed back. */
      readonly bytes: number | null;
      /** More than it cost when it was read last. */
      readonly grows: boolean;
      /** What all drivers together count in room then, this call included. */
      readonly committedBytes: number;
      /** The most room that the memory read for this plan could be said to have. */
      readonly roomBytes: number;
      /** An intent on disk names this driver and change; `null`: the disk was failing. */
      readonly intended: boolean | null;
    }
  | {
      readonly fact: 'returned';
      readonly driver: string;
      readonly changeId: number;
      readonly settings: readonly Setting[];
    }
  | {
      readonly fact: 'ended';
      readonly driver: string;
      readonly changeId: number;
      readonly phase: 'complete' | 'failure';
    }
  | { readonly fact: 'outcome'; readonly outcome: Outcome; readonly recorded: boolean | null }
  | { readonly fact: 'life begins' }
  | { readonly fact: 'life ends'; readonly how: 'closed' | 'crashed' }
  | { readonly fact: 'killed'; readonly process: string; readonly byAgent: boolean }
  | { readonly fact: 'heard after unregistering'; readonly who: string; readonly what: string }
  | { readonly fact: 'planned change refused'; readonly code: string }
);

export interface Ending {
  /** Outcomes between the end of the faults and rest; `null`: it never came to rest. */
  readonly passes: number | null;
  /** Kills by the kernel in that time. */
  readonly killed: number;
  /** What still differed, where it did not. */
  readonly restless: string;
  readonly truths: ReadonlyMap<string, readonly Truth[]>;
  /** Changes as the history on disk has them, oldest first; `null`: it could not be opened. */
  readonly history: readonly { readonly changeId: number; readonly outcome: Outcome | string }[] | null;
  /** Changes whose drivers still wait to be told how they ended. */
  readonly untold: readonly number[];
}

export interface Trace {
  readonly facts: readonly Fact[];
  readonly ending: Ending;
}
