// The heap that one new worker gets, in the words of threads (`resourceLimits`) and of processes (flags).
// Both give the limit to the byte on Node 22, 24 and 26 when the young generation is named too: alone the old
// one comes with a young one of 48, 192 or 96 MiB.
import { MiB } from '../core/bytes.ts';

export interface WorkerHeap {
  /** What V8 will tell as `heap_size_limit`. */
  readonly limitBytes: number;
  /** For `new Worker(file, { resourceLimits })`. */
  readonly resourceLimits: {
    readonly maxOldGenerationSizeMb: number;
    readonly maxYoungGenerationSizeMb: number;
  };
  /** For a process: the flags of Node. */
  readonly execArgv: readonly string[];
}

/** The smallest heap in which Node starts with something to spare. */
export const HEAP_LEAST_BYTES = 16 * MiB;
/** The share of V8 between Node 22 and 26: a semi-space for each 64 of the old generation, 16 MiB at most. */
const OLD_PER_SEMI_SPACE = 64;
const SEMI_SPACE_MOST_MB = 16;

/** @param bytes the limit of the heap, rounded down to megabytes. */
export function workerHeap(bytes: number): WorkerHeap {
  const mb = Math.floor(bytes / MiB);
  const share = Math.max(1, Math.min(SEMI_SPACE_MOST_MB, mb / OLD_PER_SEMI_SPACE));
  // V8 rounds a semi-space up to a power of two, and counts three of them.
  const semiMb = 2 ** Math.floor(Math.log2(share));
  const youngMb = 3 * semiMb;
  const oldMb = mb - youngMb;
  return {
    limitBytes: mb * MiB,
    resourceLimits: { maxOldGenerationSizeMb: oldMb, maxYoungGenerationSizeMb: youngMb },
    execArgv: [`--max-old-space-size=${oldMb}`, `--max-semi-space-size=${semiMb}`],
  };
}

const HEAP_FLAG = /^--max[-_](?:old[-_]space[-_]size(?:[-_]percentage)?|heap[-_]size|semi[-_]space[-_]size)=/;

/** Flags without those that size a heap: beside ours the share of memory would win. */
export function withoutHeapFlags(flags: readonly string[]): string[] {
  return flags.filter((flag) => !HEAP_FLAG.test(flag));
}
