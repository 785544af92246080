// Every kind of pool, one line each; a new kind is one file, one line here, one test and one page.
import type { PoolKind } from '../core/pool.ts';
import { readNodeHeap } from './node-heap.ts';

export const POOLS: readonly PoolKind[] = [
  { kind: 'node-heap', summary: 'the V8 heap of this process, or of this worker thread', read: readNodeHeap },
];
