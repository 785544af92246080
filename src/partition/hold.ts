// A partition that is held to be applied to (E6): by this process alone, or by one of several that plan for a
// share each. When the one of several that holds the lock is gone, the others ask for it again: one gets it,
// the rest join that one, and all go on. Where a stranger was faster they plan and report only, until it has
// let go.
import type { Cancel, Clock } from '../core/clock.ts';
import { HotaddError } from '../core/errors.ts';
import type { Holder, Lock, LockRequest } from '../core/lock.ts';
import type { Machine } from '../core/machine.ts';

const ASK_AGAIN_MS = 1_000;

export interface HoldParts {
  readonly machine: Machine;
  readonly clock: Clock;
  readonly identity: string;
  readonly request: LockRequest;
}

export class Hold {
  readonly #parts: HoldParts;
  #lock: Lock | null = null;
  #taking: Promise<void> = Promise.resolve();
  #again: Cancel = () => {};
  #released = false;

  private constructor(parts: HoldParts, lock: Lock) {
    this.#parts = parts;
    this.#keep(lock);
  }

  /** @throws HotaddError HOTADD_BUSY when another planner applies; HOTADD_UNSUPPORTED: nothing can lock. */
  static async take(parts: HoldParts): Promise<Hold> {
    const lock = await parts.machine.lock(parts.identity, parts.request);
    if ('heldBy' in lock) throw busy(parts, lock.heldBy);
    return new Hold(parts, lock);
  }

  /** False while a stranger holds what this process and its like have lost. */
  get applies(): boolean {
    return this.#lock !== null;
  }

  async release(): Promise<void> {
    this.#released = true;
    this.#again();
    await this.#taking;
    await this.#lock?.release();
  }

  #keep(lock: Lock): void {
    this.#lock = lock;
    void lock.holderGone?.then(() => {
      this.#taking = this.#take();
    });
  }

  async #take(): Promise<void> {
    if (this.#released) return;
    const { machine, clock, identity, request } = this.#parts;
    const lock = await machine.lock(identity, request).catch(() => null);
    if (lock !== null && !('heldBy' in lock)) return this.#keep(lock);
    this.#lock = null;
    if (this.#released) return;
    this.#again = clock.after(ASK_AGAIN_MS, () => {
      this.#taking = this.#take();
    });
  }
}

function busy({ identity, request }: HoldParts, { program, pid, since, processes }: Holder): HotaddError {
  const known = [
    program,
    pid && `pid ${pid}`,
    since && `since ${new Date(since).toISOString()}`,
    processes && `for ${processes} processes`,
  ];
  const who = known.filter(Boolean).join(', ');
  const alone = 'one planner applies at a time: stop that one, or open with apply: false to observe';
  const together = 'processes that share a partition all open it with the same number of processes';
  const shares = processes !== undefined || (request.processes ?? 1) > 1;
  return new HotaddError('HOTADD_BUSY', `${identity} is held by ${who}`, { mend: shares ? together : alone });
}
