// The processes of node:cluster, exchanged one by one for processes with another heap. The primary starts
// them and registers the driver; the workers only leave when they are asked (cluster-leave.ts):
//
//   primary: fork with the flags of the new heap, wait until it listens, then ask one of the old to leave
//   worker:  takes no new connection, answers what comes on the old ones with `connection: close`, says so
//
// Sources: doc/api/cluster.md, and lib/internal/cluster/ for what becomes of a connection that a worker which
// has just stopped listening is given: it goes to another one.
import type { Cluster, Worker } from 'node:cluster';
import { MiB } from '../core/bytes.ts';
import { HotaddError } from '../core/errors.ts';
import { type LeaveMessage, messageIn } from './leave-message.ts';
import { type WorkerHeap, withoutHeapFlags } from './worker-heap.ts';
import { expectGiven, type RunningWorker, type WorkersOptions } from './worker-options.ts';
import { openWorkers, type WorkerSet } from './worker-set.ts';

/** What is used of node:cluster. */
export type ClusterLike = Pick<Cluster, 'fork' | 'setupPrimary' | 'settings'>;

export interface ClusterOptions extends Omit<WorkersOptions, 'start' | 'pick'> {
  readonly cluster: ClusterLike;
  /** Environment of each worker, beside that of the primary. */
  readonly env?: Readonly<Record<string, string>>;
}

/** A process of Node takes some 45 MiB before it does anything, a tenth of that in its heap. */
const BESIDE_HEAP_BYTES = 48 * MiB;
const LEAST_BYTES = 128 * MiB;
/** While one is exchanged another one serves. */
const LEAST_COUNT = 2;

/**
 * Opens the workers at their floor; resolves when all of them listen. In the primary only.
 * @param options.count at least 2: while one is exchanged, another one serves. The defaults are 128 MiB for
 * `leastBytes` and 48 MiB for `besideHeapBytes`.
 * @throws HotaddError HOTADD_BAD_USAGE, HOTADD_BAD_AMOUNT, HOTADD_OPERATION when a worker ends before it
 * listens.
 */
export async function openCluster(given: ClusterOptions): Promise<WorkerSet> {
  const mend = "give cluster: import cluster from 'node:cluster'";
  expectGiven('openCluster', typeof given?.cluster?.fork === 'function', 'cluster', mend);
  const { cluster, env, ...options } = given;
  const leastCount = options.leastCount ?? LEAST_COUNT;
  if (leastCount < LEAST_COUNT) {
    throw new HotaddError('HOTADD_BAD_AMOUNT', `${leastCount} workers cannot serve while one is exchanged`, {
      mend: `give a leastCount of ${LEAST_COUNT} or more`,
    });
  }
  return openWorkers({
    leastBytes: LEAST_BYTES,
    besideHeapBytes: BESIDE_HEAP_BYTES,
    ...options,
    leastCount,
    start: (heap) => startWorker(cluster, heap, env ?? {}),
  });
}

async function startWorker(
  cluster: ClusterLike,
  heap: WorkerHeap,
  env: Readonly<Record<string, string>>,
): Promise<RunningWorker> {
  const worker = forkWith(cluster, heap, env);
  const leaving = new Leaving(worker);
  const gone = new Promise<void>((resolve) => {
    worker.once('exit', () => resolve());
  });
  await new Promise<void>((resolve, reject) => {
    worker.once('listening', () => resolve());
    worker.once('exit', (code, signal) => {
      const how = signal ?? `exit code ${code}`;
      reject(new HotaddError('HOTADD_OPERATION', `a worker ended before it listened: ${how}`));
    });
  });
  const { pid } = worker.process;
  const stop = async () => {
    leaving.ask();
    await gone;
  };
  return { stop, gone, ...(pid === undefined ? {} : { pid }) };
}

/** Its heap is ours alone to size: a flag that is inherited, or a share of memory, would go before it. */
function forkWith(cluster: ClusterLike, heap: WorkerHeap, env: Readonly<Record<string, string>>): Worker {
  const before = cluster.settings.execArgv ?? process.execArgv;
  const options = withoutHeapFlags((process.env.NODE_OPTIONS ?? '').split(/\s+/));
  cluster.setupPrimary({ execArgv: [...withoutHeapFlags(before), ...heap.execArgv] });
  try {
    return cluster.fork({ ...env, NODE_OPTIONS: options.join(' ') });
  } finally {
    cluster.setupPrimary({ execArgv: before });
  }
}

/** One that can leave by itself is asked to; any other is disconnected. */
class Leaving {
  readonly #worker: Worker;
  #canLeave = false;

  constructor(worker: Worker) {
    this.#worker = worker;
    worker.on('message', (message: unknown) => {
      const said = messageIn(message);
      if (said === 'can leave') this.#canLeave = true;
      // It serves nobody any more, so this ends it at once; and it tells the program that it was meant.
      if (said === 'has left') worker.disconnect();
    });
  }

  ask(): void {
    if (!this.#worker.isConnected()) return;
    if (this.#canLeave) this.#worker.send({ hotadd: 'leave' } satisfies LeaveMessage);
    else this.#worker.disconnect();
  }
}
