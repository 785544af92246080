// The heap of a worker thread as V8 counts it. Node 22.16, 24 and 26 tell it within milliseconds, also of a
// thread that is busy or waits; one that hangs in a native call does not answer until it returns.
import type { HeapNow } from './worker-options.ts';

/** What is used of a `Worker` of node:worker_threads. */
export interface ThreadLike {
  /** Missing on older versions of Node. */
  getHeapStatistics?(): Promise<{
    readonly heap_size_limit: number;
    readonly total_physical_size: number;
    readonly malloced_memory: number;
    readonly external_memory: number;
  }>;
}

/** Rejects when the thread is not online yet, or no more. */
export async function threadHeap(thread: ThreadLike): Promise<HeapNow | undefined> {
  const heap = await thread.getHeapStatistics?.();
  if (heap === undefined) return undefined;
  const heldBytes = heap.total_physical_size + heap.malloced_memory + heap.external_memory;
  return { limitBytes: heap.heap_size_limit, heldBytes };
}
