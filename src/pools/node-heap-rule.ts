// How large a heap Node gives itself, by its version and the memory it sees. V8's rule, as measured on real
// processes in real cgroups from 64 MiB to 24 GiB (the table is in node-heap-rule.test.ts); its shape is
// that of Heap::ConfigureHeap and HeapSizeFromPhysicalMemory in V8's src/heap/heap.cc:
//
//   old   = half of memory, 256 MiB at least, 2 GiB at most (4 GiB from 15 GiB of memory on), in 256 KiB
//   young = 3 semi-spaces; a semi-space is a share of old, a power of two; share and cap go by the version
import { GiB, KiB, MiB } from '../core/bytes.ts';

const PAGE_BYTES = 256 * KiB;
const OLD_LEAST_BYTES = 256 * MiB;
const OLD_MOST_BYTES = 2 * GiB;
const LARGE_MACHINE_BYTES = 15 * GiB;

interface YoungRule {
  /** Old bytes for each byte of a semi-space. */
  readonly share: number;
  readonly mostBytes: number;
  readonly smallShare: number;
  /** Where `smallShare` holds. */
  readonly isSmall: (memoryBytes: number, oldBytes: number) => boolean;
}

const smallHeap = (_memoryBytes: number, oldBytes: number) => oldBytes <= OLD_LEAST_BYTES;
const YOUNG: Readonly<Record<number, YoungRule>> = {
  22: { share: 128, mostBytes: 16 * MiB, smallShare: 256, isSmall: smallHeap },
  24: { share: 32, mostBytes: 64 * MiB, smallShare: 256, isSmall: smallHeap },
  26: {
    share: 64,
    mostBytes: 32 * MiB,
    smallShare: 128,
    isSmall: (memoryBytes) => memoryBytes <= 256 * MiB,
  },
};

export interface HeapRule {
  /** `process.versions.node`. */
  readonly version: string;
  /** What Node sees: the smaller of the machine's memory and the limit of its own cgroup. */
  readonly memoryBytes: number;
  /** `--max-old-space-size-percentage`, which is of that memory; absent: half of it. */
  readonly percent?: number;
}

/**
 * The limit of a heap (`heap_size_limit`) that a Node started now would choose. `exact` for the versions that
 * were measured; of others the nearest older one's rule is taken.
 */
export function nodeHeapRule({ version, memoryBytes, percent }: HeapRule): {
  readonly bytes: number;
  readonly exact: boolean;
} {
  const major = Number.parseInt(version, 10);
  const known = Object.keys(YOUNG).map(Number);
  const measured = known.filter((one) => one <= major).at(-1) ?? Math.min(...known);
  const oldBytes = oldOf(memoryBytes);
  const youngBytes = youngOf(YOUNG[measured] as YoungRule, memoryBytes, oldBytes);
  const given = percent === undefined ? oldBytes : Math.floor((memoryBytes * percent) / 100 / MiB) * MiB;
  return { bytes: given + youngBytes, exact: measured === major };
}

function oldOf(memoryBytes: number): number {
  const most = memoryBytes >= LARGE_MACHINE_BYTES ? 2 * OLD_MOST_BYTES : OLD_MOST_BYTES;
  const half = Math.max(OLD_LEAST_BYTES, Math.min(most, memoryBytes / 2));
  return Math.ceil(half / PAGE_BYTES) * PAGE_BYTES;
}

function youngOf(rule: YoungRule, memoryBytes: number, oldBytes: number): number {
  const share = rule.isSmall(memoryBytes, oldBytes) ? rule.smallShare : rule.share;
  const wanted = Math.max(MiB, Math.min(rule.mostBytes, oldBytes / share));
  return 3 * 2 ** Math.ceil(Math.log2(Math.ceil(wanted / PAGE_BYTES) * PAGE_BYTES));
}
