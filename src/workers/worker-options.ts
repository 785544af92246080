// What is said of workers by who starts them: how many, how large, how one is started and ended.
import { formatBytes, MiB } from '../core/bytes.ts';
import { HotaddError } from '../core/errors.ts';
import { HEAP_LEAST_BYTES, type WorkerHeap } from './worker-heap.ts';

export interface HeapNow {
  readonly limitBytes: number;
  /** What it takes now, `Buffer`s included; `null`: cannot be told. */
  readonly heldBytes: number | null;
}

/** One worker, started. */
export interface RunningWorker {
  /** Gives it no more work; resolves when the work that it has is done and it is gone. */
  stop(): Promise<void>;
  /** Resolves when it is gone, by itself too. Without it a worker that dies is not noticed. */
  readonly gone?: Promise<unknown>;
  /** True while it has work: one that has none is exchanged first. */
  isBusy?(): boolean;
  /**
   * The heap that it really has: `threadHeap(worker)` for a thread. With it a worker that was not given what
   * was asked is found out; without it, and without `pid`, what workers hold is not known.
   */
  heap?(): Promise<HeapNow | undefined>;
  /** For a process of its own: the kernel counts it. */
  readonly pid?: number;
}

export interface WorkersOptions {
  /** Starts one with this heap; resolves when it takes work. */
  readonly start: (heap: WorkerHeap) => Promise<RunningWorker>;
  /**
   * Of workers that all have work, the one to be ended next: it gets no more. Default: the first. It is worth
   * something where work may take long, since the others wait for their turn.
   */
  readonly pick?: (busy: readonly RunningWorker[]) => Promise<RunningWorker>;
  /** How many there are at most: as many as have `leastBytes` each. */
  readonly count: number;
  /** How many there are at least. Default: 1. */
  readonly leastCount?: number;
  /** Memory for one worker, what it takes beside its heap included. Default: 64 MiB. */
  readonly leastBytes?: number;
  /** Default: no ceiling. */
  readonly mostBytes?: number;
  /** What one takes beside its heap: code, stacks, `Buffer`s. Default: 16 MiB. */
  readonly besideHeapBytes?: number;
}

export interface Wanted {
  readonly count: number;
  /** For each. */
  readonly bytes: number;
}

/** What a call cannot do without, said where it is missing and not where it is used. */
export function expectGiven(place: string, isGiven: boolean, missing: string, mend: string): void {
  if (isGiven) return;
  throw new HotaddError('HOTADD_BAD_USAGE', `${missing} is missing`, { place, mend });
}

const DEFAULTS = { leastCount: 1, leastBytes: 64 * MiB, besideHeapBytes: 16 * MiB };

/**
 * With the defaults.
 * @throws HotaddError HOTADD_BAD_AMOUNT for counts and sizes that fit nothing.
 */
export function checked(options: WorkersOptions): WorkersOptions & typeof DEFAULTS {
  const whole = { ...DEFAULTS, ...options };
  const { count, leastCount, leastBytes, mostBytes = leastBytes, besideHeapBytes } = whole;
  const bad = (problem: string, mend: string) => new HotaddError('HOTADD_BAD_AMOUNT', problem, { mend });
  if (![count, leastCount].every(Number.isSafeInteger) || leastCount < 1 || count < leastCount) {
    throw bad(`${leastCount} to ${count} workers`, 'give count, a whole number, and a leastCount up to it');
  }
  const least = HEAP_LEAST_BYTES + besideHeapBytes;
  if (![leastBytes, mostBytes].every(Number.isSafeInteger) || leastBytes < least || mostBytes < leastBytes) {
    const mend = `give leastBytes of ${formatBytes(least)} at least, and a mostBytes above it`;
    throw bad(`${leastBytes} to ${options.mostBytes ?? 'any'} bytes for a worker`, mend);
  }
  return whole;
}
