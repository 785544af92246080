// Piscina's threads, exchanged one by one for threads with another heap. Piscina takes its limits once, at
// its start, and keeps its threads to itself; so each thread here is a Piscina of its own, and what waits for
// a thread waits in front of them:
//
//   run(task) --> a free thread? --> its Piscina
//                 none: wait, first come first served; a thread that leaves gets no more tasks
//
// No task is lost: one that waits goes to whichever thread is free next, one that runs ends where it runs.
import { HotaddError } from '../core/errors.ts';
import { type ThreadLike, threadHeap, threadOnline } from './thread-heap.ts';
import type { WorkerHeap } from './worker-heap.ts';
import { openWorkers, type RunningWorker, type WorkerSet, type WorkersOptions } from './worker-set.ts';

/** What is used of a `Piscina`, version 5. */
export interface PiscinaLike {
  // biome-ignore lint/suspicious/noExplicitAny: a Piscina says by its own types what tasks and results are.
  run(task: any, options?: any): Promise<any>;
  close(): Promise<void>;
  readonly threads: readonly ThreadLike[];
}

/** The options that hotadd decides: they go into `new Piscina({ filename, ...given })`. */
export interface PiscinaGiven {
  readonly minThreads: 1;
  readonly maxThreads: 1;
  readonly concurrentTasksPerWorker: number;
  readonly resourceLimits: WorkerHeap['resourceLimits'];
}

export interface PiscinaOptions<Opened extends PiscinaLike> extends Omit<WorkersOptions, 'start'> {
  /** Opens a Piscina of one thread. */
  readonly open: (given: PiscinaGiven) => Opened;
  /** Default: 1. */
  readonly tasksPerThread?: number;
}

interface Thread<Opened> {
  readonly piscina: Opened;
  tasks: number;
  /** Called when its last task has ended; `null`: it takes more. */
  left: (() => void) | null;
}

export class PiscinaPool<Opened extends PiscinaLike> {
  readonly #options: PiscinaOptions<Opened>;
  readonly #threads = new Set<Thread<Opened>>();
  /** First come, first served. Each is told of a thread that is free. */
  readonly #waiting = new Set<(thread: Thread<Opened>) => void>();
  #workers: WorkerSet | null = null;
  #closing = false;
  #ended: (() => void) | null = null;

  constructor(options: PiscinaOptions<Opened>) {
    this.#options = options;
  }

  /** For `workers(name, pool.workers)`. */
  get workers(): WorkerSet {
    if (this.#workers === null) throw new HotaddError('HOTADD_CLOSED', 'the pool is not open');
    return this.#workers;
  }

  /** Tasks that wait for a thread. */
  get queueSize(): number {
    return this.#waiting.size;
  }

  /** The Piscinas that there are now, one for each thread: for their histograms and events. */
  get piscinas(): readonly Opened[] {
    return [...this.#threads].map(({ piscina }) => piscina);
  }

  async open(): Promise<this> {
    const start = (heap: WorkerHeap) => this.#start(heap);
    this.#workers = await openWorkers({ ...this.#options, start });
    return this;
  }

  /** As Piscina's own `run`, abort signals of tasks that wait included. */
  async run(...given: Parameters<Opened['run']>): Promise<Awaited<ReturnType<Opened['run']>>> {
    if (this.#closing) throw new HotaddError('HOTADD_CLOSED', 'the pool takes no more tasks');
    const { signal } = (given[1] ?? {}) as { signal?: AbortSignal };
    const thread = this.#free() ?? (await this.#nextFree(signal));
    try {
      return await thread.piscina.run(given[0], given[1]);
    } finally {
      this.#done(thread);
    }
  }

  /** Ends when every task has, those that wait included. */
  async close(): Promise<void> {
    this.#closing = true;
    if (this.#waiting.size > 0) {
      await new Promise<void>((resolve) => {
        this.#ended = resolve;
      });
    }
    await this.#workers?.close();
  }

  async #start(heap: WorkerHeap): Promise<RunningWorker> {
    const { open, tasksPerThread = 1 } = this.#options;
    const piscina = open({
      minThreads: 1,
      maxThreads: 1,
      concurrentTasksPerWorker: tasksPerThread,
      resourceLimits: heap.resourceLimits,
    });
    const thread: Thread<Opened> = { piscina, tasks: 0, left: null };
    const [first, second] = piscina.threads;
    if (first === undefined || second !== undefined) {
      throw new HotaddError(
        'HOTADD_BAD_DRIVER',
        `open gives a Piscina of ${piscina.threads.length} threads`,
        {
          mend: 'write new Piscina({ filename, ...given }), with what is given last',
        },
      );
    }
    await threadOnline(first);
    this.#threads.add(thread);
    this.#serve();
    return {
      isBusy: () => thread.tasks > 0,
      // Piscina itself replaces a thread that dies, with the limits that it was given.
      heap: async () => {
        const [now] = piscina.threads;
        return now === undefined ? undefined : threadHeap(now);
      },
      stop: () => this.#leave(thread),
    };
  }

  async #leave(thread: Thread<Opened>): Promise<void> {
    const left = new Promise<void>((resolve) => {
      thread.left = resolve;
    });
    if (thread.tasks === 0) thread.left?.();
    await left;
    await thread.piscina.close();
    this.#threads.delete(thread);
  }

  /** A thread with the fewest tasks, taken; `null`: all are busy. */
  #free(): Thread<Opened> | null {
    const { tasksPerThread = 1 } = this.#options;
    let least: Thread<Opened> | null = null;
    for (const thread of this.#threads) {
      if (thread.left === null && thread.tasks < (least?.tasks ?? tasksPerThread)) least = thread;
    }
    if (least !== null) least.tasks += 1;
    return least;
  }

  #nextFree(signal: AbortSignal | undefined): Promise<Thread<Opened>> {
    return new Promise((resolve, reject) => {
      const leave = () => {
        this.#waiting.delete(take);
        signal?.removeEventListener('abort', abort);
        if (this.#waiting.size === 0) this.#ended?.();
      };
      const take = (thread: Thread<Opened>) => {
        leave();
        resolve(thread);
      };
      const abort = () => {
        leave();
        reject(signal?.reason);
      };
      this.#waiting.add(take);
      signal?.addEventListener('abort', abort);
      if (signal?.aborted) abort();
    });
  }

  #done(thread: Thread<Opened>): void {
    thread.tasks -= 1;
    if (thread.left !== null && thread.tasks === 0) thread.left();
    this.#serve();
  }

  #serve(): void {
    for (const take of this.#waiting) {
      const thread = this.#free();
      if (thread === null) return;
      take(thread);
    }
  }
}

/** Opens the threads at their floor. Rejects with what the first of them failed with. */
export function openPiscina<Opened extends PiscinaLike>(
  options: PiscinaOptions<Opened>,
): Promise<PiscinaPool<Opened>> {
  return new PiscinaPool(options).open();
}
