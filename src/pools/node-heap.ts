// The V8 heap of the isolate that this code runs in: its limit is chosen at the start of the isolate, from
// memory as it is then or from a flag, and no call moves it afterwards (`v8.setFlagsFromString` included:
// tried on Node 22, 24 and 26). A new process and a new Worker get one from memory as it is by then.
import { getHeapStatistics } from 'node:v8';
import { threadId } from 'node:worker_threads';
import type { PhysicalMemory } from '../core/memory.ts';
import type { Pool, PoolView } from '../core/pool.ts';
import { nodeHeapRule } from './node-heap-rule.ts';

/** What is true of an isolate. */
export interface NodeRuntime {
  readonly version: string;
  readonly arch: string;
  readonly heapLimitBytes: number;
  readonly pid: number;
  /** 0: the main thread. */
  readonly threadId: number;
  /** The flags that Node was started with, and those of NODE_OPTIONS. */
  readonly execArgv: readonly string[];
  readonly nodeOptions: string;
}

const PERCENT = '--max-old-space-size-percentage';
const SIZES = ['--max-old-space-size', '--max-heap-size'];
/** Half of the addresses: V8 goes by another rule, which was not measured. */
const ARCHES_32_BIT = ['arm', 'ia32', 'mips', 'mipsel'];

export function readNodeHeap({ memory }: Pick<PoolView, 'memory'>): readonly Pool[] {
  return [nodeHeap(thisRuntime(), memory)];
}

function thisRuntime(): NodeRuntime {
  return {
    version: process.versions.node,
    arch: process.arch,
    heapLimitBytes: getHeapStatistics().heap_size_limit,
    pid: process.pid,
    threadId,
    execArgv: process.execArgv,
    nodeOptions: process.env.NODE_OPTIONS ?? '',
  };
}

/** Pure. */
export function nodeHeap(runtime: NodeRuntime, memory: PhysicalMemory): Pool {
  const { heapLimitBytes: now, threadId: thread, pid } = runtime;
  const flag = heapFlag(runtime);
  const ifStartedNow = startedNow(runtime, flag, memoryNodeSees(memory));
  return {
    name: thread === 0 ? 'node heap' : `node heap of worker thread ${thread}`,
    owner: thread === 0 ? `pid ${pid}` : `thread ${thread} of pid ${pid}`,
    unit: 'bytes',
    now,
    ifStartedNow,
    shortBy: ifStartedNow === null ? null : Math.max(0, ifStartedNow.amount - now),
    fixedBy: flag === null ? 'its start' : flag.text,
    changes: 'restart',
    mend: mendOf(thread, flag),
    reserve:
      'Start Node with --max-old-space-size=N, N megabytes for the largest memory it may come to have. ' +
      'The limit takes no memory before the heap does, but until memory has grown the heap may outgrow it.',
  };
}

interface HeapFlag {
  /** As it was given, and where. */
  readonly text: string;
  /** For the flag that is a share of memory; `null`: a size, which no memory changes. */
  readonly percent: number | null;
}

/** The flag that decides: the last one given, the command line after NODE_OPTIONS; a share before a size. */
function heapFlag({ execArgv, nodeOptions }: NodeRuntime): HeapFlag | null {
  const given = [
    ...nodeOptions.split(/\s+/).map((text) => ({ text, place: ' in NODE_OPTIONS' })),
    ...execArgv.map((text) => ({ text, place: '' })),
  ].map(({ text, place }) => {
    const [name = '', value = ''] = text.split('=', 2);
    return { name: name.replaceAll('_', '-'), text: `${text}${place}`, value: Number(value) };
  });
  const share = given.findLast(({ name, value }) => name === PERCENT && value > 0);
  const size = given.findLast(({ name, value }) => SIZES.includes(name) && value > 0);
  const found = share ?? size;
  return found === undefined ? null : { text: found.text, percent: found === share ? found.value : null };
}

/** By Node's own rule: what a size given by a flag would be without it. */
function startedNow(
  { version, arch, threadId: thread }: NodeRuntime,
  flag: HeapFlag | null,
  memoryBytes: number | null,
): Pool['ifStartedNow'] {
  if (memoryBytes === null || ARCHES_32_BIT.includes(arch)) return null;
  const percent = flag?.percent ?? null;
  const { bytes, exact } = nodeHeapRule({ version, memoryBytes, ...(percent === null ? {} : { percent }) });
  // Whoever starts a Worker may give it other limits than the rule.
  return { amount: bytes, exact: exact && thread === 0 };
}

/** Node looks at the limit of its own cgroup and at the machine, and at no level between them. */
function memoryNodeSees({ levels, onlineBytes }: PhysicalMemory): number | null {
  const own = levels[0]?.limitBytes ?? null;
  if (own === null || onlineBytes === null) return null;
  return own === 'max' ? onlineBytes : Math.min(own, onlineBytes);
}

function mendOf(thread: number, flag: HeapFlag | null): string {
  const fixed = flag !== null && flag.percent === null;
  if (fixed) {
    const without = `without ${flag.text.split(' ', 1)[0]}, or with a larger one`;
    return `Start Node ${without}: a restart alone changes nothing.`;
  }
  if (thread === 0)
    return 'Restart the process: Node sizes its heap at the start, from memory as it is then.';
  return 'Start a new Worker: it gets a heap from memory as it is then, or by its resourceLimits.';
}
