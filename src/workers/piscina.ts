// Piscina's threads, exchanged one by one for threads with another heap. Piscina takes its limits once, at
// its start, and keeps its threads to itself; so each thread here is a Piscina of its own, and what waits for
// a thread waits in front of them:
//
//   run(task) --> a free thread? --> its Piscina
//                 none: wait, first come first served; a thread that leaves gets no more tasks
//
// No task is lost: one that waits goes to whichever thread is free next, one that runs ends where it runs.
import { HotaddError } from '../core/errors.ts';
import { type ThreadLike, threadHeap } from './thread-heap.ts';
import type { WorkerHeap } from './worker-heap.ts';
import { expectGiven, type HeapNow, type RunningWorker, type WorkersOptions } from './worker-options.ts';
import { openWorkers, type WorkerSet } from './worker-set.ts';

/** What is used of a `Piscina`, version 5. */
export interface PiscinaLike {
  // biome-ignore lint/suspicious/noExplicitAny: a Piscina says by its own types what tasks and results are.
  run(task: any, options?: any): Promise<any>;
  close(): Promise<void>;
  readonly threads: readonly PiscinaThread[];
}

export interface PiscinaThread extends ThreadLike {
  once(event: 'message' | 'exit', listener: () => void): unknown;
}

/** The options that hotadd decides: they go into `new Piscina({ filename, ...given })`. */
export interface PiscinaGiven {
  readonly minThreads: 1;
  readonly maxThreads: 1;
  readonly concurrentTasksPerWorker: number;
  readonly resourceLimits: WorkerHeap['resourceLimits'];
}

export interface PiscinaOptions<Opened extends PiscinaLike> extends Omit<WorkersOptions, 'start' | 'pick'> {
  /** Opens a Piscina of one thread. */
  readonly open: (given: PiscinaGiven) => Opened;
  /** Default: 1. */
  readonly tasksPerThread?: number;
}

/** One thread. Piscina itself replaces one that dies, with the limits that it was given. */
class Thread<Opened extends PiscinaLike> implements RunningWorker {
  readonly piscina: Opened;
  readonly #onLeft: (thread: Thread<Opened>) => void;
  tasks = 0;
  /** It takes no more tasks. */
  leaving = false;
  #idle: (() => void) | null = null;

  constructor(piscina: Opened, onLeft: (thread: Thread<Opened>) => void) {
    this.piscina = piscina;
    this.#onLeft = onLeft;
  }

  isBusy(): boolean {
    return this.tasks > 0;
  }

  async heap(): Promise<HeapNow | undefined> {
    const [thread] = this.piscina.threads;
    return thread === undefined ? undefined : threadHeap(thread);
  }

  taskEnded(): void {
    this.tasks -= 1;
    if (this.tasks === 0) this.#idle?.();
  }

  async stop(): Promise<void> {
    this.leaving = true;
    if (this.tasks > 0) {
      await new Promise<void>((resolve) => {
        this.#idle = resolve;
      });
    }
    await this.piscina.close();
    this.#onLeft(this);
  }
}

export class PiscinaPool<Opened extends PiscinaLike> {
  readonly #options: PiscinaOptions<Opened>;
  readonly #threads = new Set<Thread<Opened>>();
  /** First come, first served. Each is told of a thread that is free. */
  readonly #waiting = new Set<(thread: Thread<Opened>) => void>();
  /** Waits for the first thread without a task. */
  #picking: ((thread: Thread<Opened>) => boolean) | null = null;
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
    const pick = (busy: readonly RunningWorker[]) => this.#pick(busy as readonly Thread<Opened>[]);
    this.#workers = await openWorkers({ ...this.#options, start, pick });
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
    await ready(await onlyThread(piscina));
    const thread = new Thread(piscina, () => this.#threads.delete(thread));
    this.#threads.add(thread);
    this.#serve();
    return thread;
  }

  /** The first that ends its task; of those with several, which may never be idle, the least busy. */
  #pick(busy: readonly Thread<Opened>[]): Promise<Thread<Opened>> {
    const { tasksPerThread = 1 } = this.#options;
    const least = busy.reduce((one, other) => (other.tasks < one.tasks ? other : one));
    if (tasksPerThread > 1) return Promise.resolve(least);
    return new Promise((resolve) => {
      this.#picking = (thread) => {
        if (!busy.includes(thread)) return false;
        thread.leaving = true;
        resolve(thread);
        return true;
      };
    });
  }

  /** A thread with the fewest tasks, taken; `null`: all are busy. */
  #free(): Thread<Opened> | null {
    const { tasksPerThread = 1 } = this.#options;
    let least: Thread<Opened> | null = null;
    for (const thread of this.#threads) {
      if (!thread.leaving && thread.tasks < (least?.tasks ?? tasksPerThread)) least = thread;
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
    thread.taskEnded();
    if (thread.tasks === 0 && this.#picking?.(thread)) this.#picking = null;
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
export async function openPiscina<Opened extends PiscinaLike>(
  options: PiscinaOptions<Opened>,
): Promise<PiscinaPool<Opened>> {
  const mend = 'give open: (given) => new Piscina({ filename, ...given })';
  expectGiven('openPiscina', typeof options?.open === 'function', 'open', mend);
  return new PiscinaPool(options).open();
}

async function onlyThread(piscina: PiscinaLike): Promise<PiscinaThread> {
  const [only, second] = piscina.threads;
  if (only !== undefined && second === undefined) return only;
  const problem = `open gives a Piscina of ${piscina.threads.length} threads`;
  await Promise.allSettled(piscina.threads.map(ready));
  await piscina.close();
  throw new HotaddError('HOTADD_BAD_DRIVER', problem, {
    mend: 'write new Piscina({ filename, ...given }), with what is given last',
  });
}

/**
 * A thread of Piscina says once that it has loaded its file. One that is ended while it does so brings down
 * the process (Node 24.21, a module that is loaded by require), so it is not handed on before.
 */
function ready(thread: PiscinaThread): Promise<void> {
  return new Promise((resolve, reject) => {
    thread.once('message', () => resolve());
    thread.once('exit', () => reject(new HotaddError('HOTADD_OPERATION', 'a thread ended at its start')));
  });
}
