// Workers whose heap is fixed at their start: to give one another heap is to exchange it. They are exchanged
// one by one, and none that has work is ended before the work is:
//
//   wanted {count, bytes} --> one of another size? --> is there room for both in what is wanted?
//                                                        yes: start the new one, then stop the old one
//                                                        no:  stop the old one, then start the new one
//
// So the workers together never take more than the larger of what they took before and what is wanted. What
// is wanted last wins, after the step that is under way.
import { formatBytes, MiB } from '../core/bytes.ts';
import { HotaddError, messageOf } from '../core/errors.ts';
import { awake } from './awake.ts';
import { type WorkerHeap, workerHeap } from './worker-heap.ts';
import {
  checked,
  expectGiven,
  type RunningWorker,
  type Wanted,
  type WorkersOptions,
} from './worker-options.ts';

/** A heap is given in steps, so that a little more memory does not exchange anybody. */
const STEP_BYTES = 16 * MiB;

interface Member {
  readonly bytes: number;
  /** `null`: it is being started. */
  running: RunningWorker | null;
  leaving: boolean;
}

export class WorkerSet {
  readonly leastCount: number;
  readonly count: number;
  readonly leastBytes: number;
  readonly mostBytes: number | null;
  readonly #start: WorkersOptions['start'];
  readonly #pick: WorkersOptions['pick'];
  readonly #besideHeapBytes: number;
  readonly #members = new Set<Member>();
  /** `null`: they stay as they are. */
  #wanted: Wanted | null = null;
  #working: Promise<void> | null = null;
  #failure: unknown = null;
  /** Counts what was wanted: tells the loop that there is news. */
  #asked = 0;
  #closed = false;

  /** @throws HotaddError HOTADD_BAD_AMOUNT for counts and sizes that fit nothing. */
  constructor(options: WorkersOptions) {
    const { start, pick, count, leastCount, leastBytes, mostBytes, besideHeapBytes } = checked(options);
    this.#start = start;
    this.#pick = pick;
    this.#besideHeapBytes = besideHeapBytes;
    this.count = count;
    this.leastCount = leastCount;
    this.leastBytes = leastBytes;
    this.mostBytes = mostBytes ?? null;
  }

  /** What all of them may come to take, those that start and those that leave included. */
  get costBytes(): number {
    return sum([...this.#members]);
  }

  /** Those that take work, and their sizes, smallest first. */
  get sizes(): readonly number[] {
    const staying = [...this.#members].filter(({ running, leaving }) => running !== null && !leaving);
    return staying.map(({ bytes }) => bytes).sort((a, b) => a - b);
  }

  get running(): readonly RunningWorker[] {
    return [...this.#members].flatMap(({ running }) => running ?? []);
  }

  /** What is under way; `null`: nothing. */
  get move(): { readonly toBytes: number; readonly note: string } | null {
    if (this.#working === null) return null;
    const { count, bytes } = this.#wanted ?? { count: 1, bytes: this.costBytes };
    return { toBytes: count * bytes, note: `${count} of ${formatBytes(bytes)}, exchanged one by one` };
  }

  /** Those that end their work before they leave. */
  get leaving(): number {
    return [...this.#members].filter(({ leaving }) => leaving).length;
  }

  /** Why the last move ended before its end; `null`: it did not. */
  get failure(): string | null {
    return this.#failure === null ? null : messageOf(this.#failure);
  }

  /** As many as can have `leastBytes` each, with what there is shared among them. */
  fit(budgetBytes: number): Wanted {
    const { leastCount, leastBytes, mostBytes } = this;
    const count = Math.max(leastCount, Math.min(this.count, Math.floor(budgetBytes / leastBytes)));
    const share = Math.min(mostBytes ?? Number.POSITIVE_INFINITY, budgetBytes / count);
    return { count, bytes: Math.max(leastBytes, Math.floor(share / STEP_BYTES) * STEP_BYTES) };
  }

  /** The least by which `fit` may miss a budget. */
  get stepBytes(): number {
    return this.leastBytes === this.mostBytes ? this.leastBytes : this.count * STEP_BYTES;
  }

  /** Begins to bring them there; newest wins. */
  want(wanted: Wanted): void {
    this.#mustBeOpen();
    this.#wanted = wanted;
    this.#failure = null;
    this.#asked += 1;
    this.#working ??= awake(this.#work());
  }

  /** They stay as they are, once the step that is under way has ended. */
  rest(): void {
    this.#wanted = null;
  }

  /** Resolves when nothing is under way. Rejects with what a worker failed to start with. */
  async settled(): Promise<void> {
    await this.#working;
    if (this.#failure !== null) throw this.#failure;
  }

  /** Stops them all, when the work that they have is done. */
  async close(): Promise<void> {
    this.#closed = true;
    this.rest();
    await this.#working;
    await Promise.all([...this.#members].map((member) => this.#stop(member)));
  }

  async #work(): Promise<void> {
    let asked: number;
    do {
      asked = this.#asked;
      try {
        while (await this.#step());
      } catch (error) {
        if (asked === this.#asked) this.#fail(error);
      }
    } while (asked !== this.#asked);
    this.#working = null;
  }

  #fail(error: unknown): void {
    this.#wanted = null;
    this.#failure = error;
  }

  /** One exchange, start or stop; false when there is nothing left to do. */
  async #step(): Promise<boolean> {
    const wanted = this.#wanted;
    if (wanted === null) return false;
    const members = [...this.#members];
    const wrong = members.filter(({ bytes }) => bytes !== wanted.bytes);
    if (members.length > wanted.count) {
      await this.#stopOneOf(wrong.length > 0 ? wrong : members);
      return true;
    }
    const fitsBeside = this.costBytes + wanted.bytes <= wanted.count * wanted.bytes;
    if (wrong.length === 0 && members.length === wanted.count) return false;
    if (wrong.length > 0 && !fitsBeside) await this.#stopOneOf(wrong);
    await this.#begin(wanted.bytes);
    if (wrong.length > 0 && fitsBeside) await this.#stopOneOf(wrong);
    return true;
  }

  async #begin(bytes: number): Promise<void> {
    const member: Member = { bytes, running: null, leaving: false };
    const heap = workerHeap(bytes - this.#besideHeapBytes);
    this.#members.add(member);
    try {
      const running = await this.#start(heap);
      await expectHeap(running, heap);
      member.running = running;
    } catch (error) {
      this.#members.delete(member);
      throw error;
    }
    void member.running.gone?.then(() => this.#lost(member));
  }

  /** One that is idle; where all have work, whichever ends its work first. */
  async #stopOneOf(members: readonly Member[]): Promise<void> {
    const idle = members.find(({ running }) => running?.isBusy?.() !== true);
    if (idle !== undefined || members.length === 1) return this.#stop(idle ?? members[0]);
    const picked = await this.#pick?.(members.flatMap(({ running }) => running ?? []));
    return this.#stop(members.find(({ running }) => running === picked) ?? members[0]);
  }

  async #stop(member: Member | undefined): Promise<void> {
    if (member === undefined) return;
    member.leaving = true;
    await member.running?.stop();
    this.#members.delete(member);
  }

  /** One that died of itself is replaced by one like it, or by what is wanted by now. */
  #lost(member: Member): void {
    if (member.leaving || !this.#members.delete(member) || this.#closed) return;
    this.want(this.#wanted ?? { count: this.#members.size + 1, bytes: member.bytes });
  }

  #mustBeOpen(): void {
    if (this.#closed) throw new HotaddError('HOTADD_CLOSED', 'the workers have been closed');
  }
}

/** Opens them at their floor; the first plan gives them their budget. Rejects with what one failed with. */
export async function openWorkers(options: WorkersOptions): Promise<WorkerSet> {
  const mend = 'give start: (heap) => { ... }, which resolves to a worker that has a stop()';
  expectGiven('openWorkers', typeof options?.start === 'function', 'start', mend);
  const set = new WorkerSet(options);
  set.want({ count: set.leastCount, bytes: set.leastBytes });
  await set.settled().catch(async (error: unknown) => {
    await set.close();
    throw error;
  });
  return set;
}

/** A flag of the process goes before `resourceLimits`, and no API says that it is set: the worker does. */
async function expectHeap(running: RunningWorker, { limitBytes }: WorkerHeap): Promise<void> {
  const now = await running.heap?.();
  if (now === undefined || now.limitBytes === limitBytes) return;
  await running.stop();
  const problem = `a new worker has a heap of ${formatBytes(now.limitBytes)}, not ${formatBytes(limitBytes)}`;
  throw new HotaddError('HOTADD_UNSUPPORTED', problem, {
    mend:
      'start it with what it is given: new Piscina({ filename, ...given }), or resourceLimits. ' +
      'Where it is, --max-old-space-size, on the command line or in NODE_OPTIONS, goes before them: start ' +
      "Node without it, or call v8.setFlagsFromString('--max-old-space-size=0') before the first worker, " +
      'which takes it from every new Worker of this process',
  });
}

function sum(members: readonly Member[]): number {
  return members.reduce((total, { bytes }) => total + bytes, 0);
}
