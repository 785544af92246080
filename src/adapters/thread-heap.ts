// The heap of a worker thread as V8 counts it. Node 22.16, 24 and 26 tell it within milliseconds, also of a
// thread that is busy or waits; one that hangs in a native call does not answer until it returns.
import { HotaddError } from '../core/errors.ts';
import type { HeapNow } from './worker-set.ts';

/** What is used of a `Worker` of node:worker_threads. */
export interface ThreadLike {
  once(event: 'online' | 'exit', listener: () => void): unknown;
  /** Missing on older versions of Node. */
  getHeapStatistics?(): Promise<{
    readonly heap_size_limit: number;
    readonly total_physical_size: number;
    readonly malloced_memory: number;
    readonly external_memory: number;
  }>;
}

/** Resolves when the thread has an isolate to ask; rejects when it ends before. */
export function threadOnline(thread: ThreadLike): Promise<void> {
  return new Promise((resolve, reject) => {
    thread.once('online', () => resolve());
    thread.once('exit', () => reject(new HotaddError('HOTADD_OPERATION', 'a thread ended at its start')));
  });
}

/** Rejects when the thread is not online yet, or no more. */
export async function threadHeap(thread: ThreadLike): Promise<HeapNow | undefined> {
  const heap = await thread.getHeapStatistics?.();
  if (heap === undefined) return undefined;
  const heldBytes = heap.total_physical_size + heap.malloced_memory + heap.external_memory;
  return { limitBytes: heap.heap_size_limit, heldBytes };
}
