// What a planned change does to the machine: a limit is written, memory blocks go online or offline. The
// drivers' side of the change is none of its business (planned.ts).
import type { Limit } from './memory.ts';

export interface Operation {
  /** What it brings to an amount, for people: `memory.max of /app`, `MemTotal`. */
  readonly name: string;
  /** No step is begun after this long. Default: 10 s. */
  readonly deadlineMs?: number;
  /**
   * Where not every amount can be had: the one that results from what is asked. Rejects with what is
   * possible; nobody has been told anything by then.
   */
  reachable?(askedBytes: number): Promise<Reachable>;
  /** The partition's own limit, or memory, as it stands. */
  read(): Limit;
  /** Brings it to `toBytes`; rejects when nothing happened. What it reached is read afterwards. */
  operate(toBytes: number, request: OperationRequest): Promise<{ readonly note?: string | null }>;
}

export interface Reachable {
  readonly toBytes: number;
  /** Why it is not what was asked, for people; `null`: it is. */
  readonly note: string | null;
}

export interface OperationRequest {
  /** What was asked; `toBytes` is what can be had of it. */
  readonly askedBytes: number;
  /** The limit that the plan was made for; another one in force means that somebody else wrote. */
  readonly expectBytes: Limit;
  /** Bytes to keep free below the new limit (F2). */
  readonly headroomBytes: number;
  readonly deadlineMs: number;
  /** Aborts when hotadd closes: no step is begun after that either. */
  readonly signal: AbortSignal;
}

export interface PlannedRequest {
  readonly toBytes: number;
  readonly operation: Operation;
  readonly cause: string;
}
