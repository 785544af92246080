// THE CONTRACT. A driver is a party that sizes its buffers from the partition's memory. This file and
// notifier.ts are the two to read first.
//
//   read()    tells what is true now                     the shell compares asked with read back
//   resize()  starts the move, returns what it asked     and gives the answer: a driver never says
//   ended?()  how a started change ended                 "resized" or "proven" (D1)
//
// Contract 1. Every value is plain JSON, so the wire and command forms are the same verbs.
import type { Phase } from './change.ts';
import type { PhysicalMemory } from './memory.ts';

/**
 * How long a look at all drivers waits for one, while the others wait for the look (E5). Who answers later is
 * planned for as soon as it can be read; who always needs longer never is.
 */
export const READ_IN_LOOK_MS = 2_000;

/**
 * A party that sizes its buffers from the partition's memory. It starts moves and reads what is true; it
 * never judges its own success (D1). Every value is plain JSON.
 */
export interface Driver {
  /** Unique in the partition and stable: key of configuration, history and drift. */
  readonly name: string;
  /** What is true now, within two seconds. Cheap, changes nothing, safe beside a resize. */
  read(signal: AbortSignal): Promise<DriverState>;
  /**
   * Starts the move and returns the settings asked for, rounded DOWN to type and step. Idempotent; the newest
   * change wins. Throws Refusal(reason, floorBytes).
   */
  resize(target: Target, context: ResizeContext): Promise<Setting[]>;
  /** How a change that this driver was told `start` of has ended. Only for those who care. */
  ended?(outcome: { changeId: number; phase: 'complete' | 'failure' }): Promise<void>;
  /** Makes what is set NOW outlast a restart of the server. */
  persist?(): Promise<void>;
  /** Lets go of connections. May be called twice. */
  close?(): Promise<void>;
}

/** A budget, or going back exactly to settings that were read before. */
export type Target =
  | { readonly bytes: number; readonly memory: PhysicalMemory }
  | { readonly settings: readonly Setting[] };

/** What a driver is told beside the target. */
export interface ResizeContext {
  /** Number of the change; a newer one has a higher. */
  readonly changeId: number;
  /**
   * `start`: room is needed before memory goes. `complete`: a planned change has ended. `arrival`: memory
   * has changed. `failure`: settings are handed back.
   */
  readonly phase: Phase;
  /** Milliseconds from this call until the shell gives up on it. */
  readonly deadlineMs: number;
  /** Aborts when a newer change overtakes the call, and at its deadline: return soon. */
  readonly signal: AbortSignal;
}

/** One knob of a server, with its value in the server's own unit. */
export interface Setting {
  /** As the server calls it, such as `maxmemory`. */
  readonly name: string;
  /** In the server's own unit. `null`: not set. */
  readonly value: string | null;
  /** False: it takes effect only after a restart. */
  readonly live: boolean;
  /** A value that waits for a restart. */
  readonly pending?: string;
}

/**
 * What a driver reads of itself. All bytes are bytes of the partition's memory, on one scale with the
 * budget.
 */
export interface DriverState {
  /** What the driver may come to take with its present settings, overhead included. */
  readonly costBytes: number;
  /** The real memory it holds now, swap included. `null`: cannot be told; a shrink is then never proven. */
  readonly heldBytes: number | null;
  /** The smallest budget it can live with now. */
  readonly floorBytes: number;
  /**
   * The largest budget it can use. `null`: no ceiling. 0: a follower, whose settings follow memory but take
   * none.
   */
  readonly ceilingBytes: number | null;
  /** Its sizes are multiples of this. */
  readonly stepBytes: number;
  /**
   * The reason behind a number, for people: why the floor, what holds the memory and what would help. Due
   * where the number decides: at a floor above 0, at a ceiling, and when held stays above cost.
   */
  readonly why?: {
    readonly floor?: string;
    readonly ceiling?: string;
    readonly cost?: string;
    readonly held?: string;
  };
  /** A pending size: the plan keeps room for the larger of the two. */
  readonly afterRestartBytes?: number;
  /** Accepted and under way: the shell reads again until it is gone or the deadline passes. */
  readonly moving?: { readonly toBytes: number; readonly note: string };
  /**
   * The same knobs in the same order at each read: going back hands back what was read, and nothing else.
   */
  readonly settings: readonly Setting[];
  /** Run id or start time: tells "someone changed it" from "it restarted". */
  readonly instance: string;
  /** Where its memory is counted. */
  readonly home: Home;
}

/**
 * Where a driver's memory is counted: in this process, in a cgroup (its path), in processes of this
 * machine, or not on this machine, which is an error unless its cgroup is configured (D5).
 */
export type Home = 'self' | { readonly cgroup: string } | { readonly pids: readonly number[] } | 'elsewhere';
