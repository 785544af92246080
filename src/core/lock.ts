// The lock of a partition (E6): one applying planner at a time. The machine keeps it, since it must outlive
// no process: the host's twin is an abstract socket (host/lock.ts), the simulated one a table.

/** Who holds a partition. `null`: it did not say. */
export interface Holder {
  readonly pid: number | null;
  readonly program: string;
  /** Wall time, milliseconds since 1970. */
  readonly since: number | null;
  /** It holds the partition for so many processes that plan for a share each. Absent: for itself alone. */
  readonly processes?: number;
}

export interface Lock {
  readonly identity: string;
  /**
   * Resolves when the process is gone that this one has joined, and the lock with it. Absent: this process is
   * the holder.
   */
  readonly holderGone?: Promise<void>;
  /** Gives the partition up. A process that ends gives it up without asking. */
  release(): Promise<void>;
}

export interface LockRequest {
  /** What the loser is told: `hotadd run`, or the name of the program that uses the library. */
  readonly program?: string;
  /** Where the socket lies on a system without abstract sockets. */
  readonly folder?: string;
  /** From 2: a holder that says the same number is joined. Default: nobody is. */
  readonly processes?: number;
}
