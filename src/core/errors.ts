// Every error code of hotadd, in one table. docs/reference/errors.md lists the same codes, and a test
// holds the two together.

/** Every error code, with what it means. */
export const ERROR_CODES = {
  HOTADD_BAD_AMOUNT: 'A text is not an amount of memory.',
  HOTADD_BAD_USAGE: 'The command line, or an option of a call, is not understood.',
  HOTADD_BAD_CONFIG: 'The configuration is not valid; nothing was opened.',
  HOTADD_BAD_KERNEL_FILE: 'A kernel file says something that is not understood.',
  HOTADD_BAD_DRIVER: 'A driver breaks the contract: its state or its settings are not plain values in range.',
  HOTADD_UNSAFE_FILE: 'A configuration or state file may be written by others than its owner.',
  HOTADD_NO_PARTITION: 'The partition asked for is not on this machine.',
  HOTADD_GONE: 'The partition existed and is gone.',
  HOTADD_UNREADABLE: 'A reading that is needed could not be had.',
  HOTADD_BUSY: 'Another change is being carried out, or another planner holds this partition.',
  HOTADD_REFUSED: 'A driver refuses the size it was asked for.',
  HOTADD_CONNECTION: 'A server cannot be reached, or does not let us in.',
  HOTADD_MISSING_RIGHT: 'A right is missing for what was asked.',
  HOTADD_UNSUPPORTED: 'This machine or server version cannot do what was asked.',
  HOTADD_MISSING_CLIENT: 'An optional package that a driver needs is not installed.',
  HOTADD_NAME_TAKEN: 'A driver of this name is registered already.',
  HOTADD_CLOSED: 'The partition or the pool has been closed.',
  HOTADD_RELEASED: 'Memory of a pool is used or released after its release.',
  HOTADD_HISTORY: 'The history cannot be written or read.',
  HOTADD_NO_AGENT: 'No agent answers on the control socket.',
  HOTADD_OPERATION: 'The operation of a planned change failed or was overtaken.',
  HOTADD_NOT_APPLIED: 'Nothing is changed here: apply is false.',
} as const;

/** A key of `ERROR_CODES`. */
export type ErrorCode = keyof typeof ERROR_CODES;

/** Everything that hotadd throws: what went wrong, where, and what mends it; `message` says all three. */
export class HotaddError extends Error {
  override readonly name: string = 'HotaddError';
  /** What went wrong, for programs. */
  readonly code: ErrorCode;
  /** A file, a line of one, an option, a driver or an address (never with a secret); `null`: no place. */
  readonly place: string | null;
  /** What to do about it; `null`: there is nothing to say. */
  readonly mend: string | null;

  /** `message` is `place: problem; mend`, of those that are given. */
  constructor(
    code: ErrorCode,
    problem: string,
    details: { place?: string; mend?: string; cause?: unknown } = {},
  ) {
    const place = details.place ? `${details.place}: ` : '';
    const mend = details.mend ? `; ${details.mend}` : '';
    super(`${place}${problem}${mend}`, details.cause === undefined ? undefined : { cause: details.cause });
    this.code = code;
    this.place = details.place ?? null;
    this.mend = details.mend ?? null;
  }
}

/**
 * What a driver throws when it will not take a size: the one word of its own that the shell believes (D1).
 */
export class Refusal extends HotaddError {
  override readonly name = 'Refusal';
  /** The smallest budget the driver would take now, in bytes of the partition's memory. */
  readonly floorBytes: number;

  /** Thrown by `resize`: why, and the least it would take. */
  constructor(reason: string, floorBytes: number) {
    super('HOTADD_REFUSED', reason);
    this.floorBytes = floorBytes;
  }
}

/** The text of anything that was thrown. */
export function messageOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown);
}

/** The kernel's code of a failure, such as ENOENT; `null`: it has none. */
export function codeOf(thrown: unknown): string | null {
  return thrown instanceof Error && 'code' in thrown && typeof thrown.code === 'string' ? thrown.code : null;
}
