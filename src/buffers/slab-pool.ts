// Memory of this process that can grow and shrink while it is in use. It is made of slabs, which go back to
// the operating system whole; what is handed out are leases of pieces of them.
//
//   acquire --> slabs with room, the fullest one first --> a new slab while size allows --> null: full
//   shrink  --> idle slabs go back, a slice per turn of the loop
//               leased ones are recalled, their holders are asked with a deadline, and each goes back with
//               its last lease: never before, also when the deadline has passed
//   grow    --> slabs come when they are needed, or touched ahead, a slice per turn of the loop
import { formatBytes, KiB } from '../core/bytes.ts';
import type { Cancel, Clock } from '../core/clock.ts';
import type { Driver, DriverState, ResizeContext, Setting, Target } from '../core/driver.ts';
import { HotaddError, messageOf } from '../core/errors.ts';
import { HOLD_MS } from '../core/prove.ts';
import { afterUnawaited, CLOCK_PROCESS } from './clock-process.ts';
import type { Lease } from './lease.ts';
import { FIXED_LEAST_BYTES } from './slab.ts';
import { checkBytes, checkDeadline, checkDivides, checkOptions, checkSlab } from './slab-checks.ts';
import { Slabs } from './slabs.ts';

/** What a pool may take, and how it is divided. */
export interface SlabPoolOptions {
  /** Bytes it may take from the start, rounded down to slabs. */
  readonly bytes: number;
  /** Bytes of each lease; they divide a slab. Default: 64 KiB. */
  readonly leaseBytes?: number;
  /**
   * Bytes that come and go at a time. From 32 MiB, the default, a slab is a fixed buffer: the fastest one.
   * Less (4 to 16 MiB for small pools) makes it a resizable buffer, 2 to 4 times slower in loops over
   * elements.
   */
  readonly slabBytes?: number;
  /** True: memory that it may take is taken ahead, so that no lease waits for the kernel. Default: false. */
  readonly touch?: boolean;
  /** Asked once per shrink, after all idle slabs are gone: release leases that are `recalled`. */
  readonly evict?: (need: Eviction) => void | Promise<void>;
  /** More it never becomes, whatever it is told. Default: no limit. */
  readonly ceilingBytes?: number;
  /** The time to go by, such as a ClockSim. */
  readonly clock?: Clock;
}

/** What a shrink still waits for. */
export interface Eviction {
  /** Bytes of the slabs that leases keep. */
  readonly bytes: number;
  /** Until then the shrink waits. A later release is taken as well. */
  readonly deadlineMs: number;
}

interface Move {
  readonly untilMs: number;
  /** Waits for the deadline: it keeps the program alive only where somebody awaits the move. */
  readonly after: Clock['after'];
  /** Holders were asked, and this ends the wait for them. */
  waiting: Cancel | null;
  readonly end: () => void;
}

const DEFAULT_LEASE_BYTES = 64 * KiB;
const DEFAULT_DEADLINE_MS = 10_000;

let instances = 0;

/**
 * Memory in pieces of one size, off the V8 heap. It is resized while it is in use: by `setBytes`, or as the
 * driver that it is, `partition.register(pool)`. What goes back goes to the system, slab by slab.
 */
export class SlabPool implements Driver {
  /** Unique in the partition where it is registered. */
  readonly name: string;
  readonly #slabs: Slabs;
  readonly #options: SlabPoolOptions;
  readonly #clock: Clock;
  readonly #instance: string;
  #sizeBytes = 0;
  #move: Move | null = null;
  /** The turn of the loop that the next slice waits for. */
  #turn: Cancel | null = null;
  /** Memory is got ahead; until the system has none to give. */
  #touches = false;
  #evictFailure: string | null = null;
  #closed = false;
  readonly #afterUnawaited: Clock['after'] = (waitMs, end) => afterUnawaited(this.#clock, waitMs, end);

  /**
   * A pool that has no memory yet, unless it touches it ahead.
   * @throws HotaddError HOTADD_BAD_AMOUNT for sizes that do not fit each other.
   */
  constructor(name: string, options: SlabPoolOptions) {
    checkOptions(name, options);
    const { bytes, slabBytes = FIXED_LEAST_BYTES, leaseBytes = DEFAULT_LEASE_BYTES } = options;
    this.name = name;
    this.#options = options;
    this.#clock = options.clock ?? CLOCK_PROCESS;
    checkSlab(name, slabBytes);
    checkDivides(name, 'leaseBytes', leaseBytes, slabBytes);
    checkBytes(name, bytes, slabBytes);
    this.#slabs = new Slabs({
      name,
      slabBytes,
      leaseBytes,
      nowMs: () => this.#clock.monotonicMs(),
      onIdle: () => this.#nextTurn(),
    });
    instances += 1;
    this.#instance = `in this process, pool ${instances}`;
    void this.#begin(bytes, DEFAULT_DEADLINE_MS);
  }

  /** What comes and goes at a time. */
  get slabBytes(): number {
    return this.#slabs.slabBytes;
  }

  /** Bytes of each lease. */
  get leaseBytes(): number {
    return this.#slabs.leaseBytes;
  }

  /** What it may take: whole slabs. */
  get sizeBytes(): number {
    return this.#sizeBytes;
  }

  /** What it has from the operating system now: of each slab as much as was ever handed out or touched. */
  get heldBytes(): number {
    return this.#slabs.heldBytes;
  }

  /** Bytes of all leases that are out. */
  get leasedBytes(): number {
    return this.#slabs.leases * this.leaseBytes;
  }

  /**
   * A piece of memory, to be released; `null`: the pool is full, or the system has just given no memory.
   * @throws HotaddError HOTADD_CLOSED
   * @throws RangeError when the operating system gives no memory
   */
  acquire(): Lease | null {
    const lease = this.#slabs.acquire();
    if (lease === null && this.#closed) throw this.#closedError();
    return lease;
  }

  /**
   * Grows or shrinks to so many bytes, rounded down to slabs: to 0, or to one slab at least. The newest call
   * wins. Resolves when the move is over: when all memory is back, or when leases have not come back within
   * `deadlineMs` (default 10 s), which keeps the program alive. What `heldBytes` is above `sizeBytes` then
   * goes back with those leases. A budget of hotadd may be less than a slab, and is 0 then.
   * @throws HotaddError HOTADD_BAD_AMOUNT, HOTADD_CLOSED, as a rejection.
   */
  async setBytes(bytes: number, options: { deadlineMs?: number } = {}): Promise<void> {
    if (this.#closed) throw this.#closedError();
    checkBytes(this.name, bytes, this.slabBytes);
    const { deadlineMs = DEFAULT_DEADLINE_MS } = options;
    checkDeadline(this.name, deadlineMs);
    await this.#begin(bytes, deadlineMs, (waitMs, end) => this.#clock.after(waitMs, end));
  }

  /** For hotadd, as of a `Driver`. */
  async read(): Promise<DriverState> {
    // Before holders were asked nobody has kept anything.
    const isEarly = this.#move !== null && this.#move.waiting === null;
    const kept = isEarly ? 0 : this.#slabs.keptByLeases * this.slabBytes;
    const failure = this.#evictFailure === null ? '' : `; evict failed: ${this.#evictFailure}`;
    const held = `${formatBytes(kept)} in slabs with leases that were not released${failure}`;
    // A report quotes it when the move is over, so it tells what happens and not how far it is.
    const note = kept > 0 ? 'a slab goes back with its last lease' : 'slabs come and go';
    return {
      costBytes: this.#sizeBytes,
      heldBytes: this.heldBytes,
      floorBytes: 0,
      ceilingBytes: this.#options.ceilingBytes ?? null,
      stepBytes: this.slabBytes,
      ...(kept > 0 ? { why: { held } } : {}),
      ...(this.#move === null ? {} : { moving: { toBytes: this.#sizeBytes, note } }),
      settings: [this.#setting()],
      instance: this.#instance,
      home: 'self',
    };
  }

  /**
   * For hotadd, as of a `Driver`: what `setBytes` is for others. Holders have the deadline of the change,
   * less the time in which a shrink is proven.
   */
  async resize(target: Target, { deadlineMs, signal }: ResizeContext): Promise<Setting[]> {
    signal.throwIfAborted();
    if (this.#closed) throw this.#closedError();
    const bytes = 'bytes' in target ? target.bytes : Number(target.settings[0]?.value ?? this.#sizeBytes);
    void this.#begin(bytes, Math.max(deadlineMs / 2, deadlineMs - 2 * HOLD_MS));
    return [this.#setting()];
  }

  /** Hands out nothing more and gives back all that is not leased. Leases stay whole until released. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#begin(0, 0);
  }

  /** Nobody awaits the deadline, unless it comes with a wait of its own. */
  #begin(bytes: number, deadlineMs: number, after = this.#afterUnawaited): Promise<void> {
    this.#endMove();
    const most = Math.min(bytes, this.#options.ceilingBytes ?? bytes);
    this.#sizeBytes = Math.floor(most / this.slabBytes) * this.slabBytes;
    this.#slabs.setMost(this.#sizeBytes / this.slabBytes);
    this.#touches = this.#options.touch ?? false;
    this.#evictFailure = null;
    if (this.#slabs.excess === 0 && !this.#hasWork) return Promise.resolve();
    const untilMs = this.#clock.monotonicMs() + deadlineMs;
    return new Promise((resolve) => {
      this.#move = { untilMs, after, waiting: null, end: resolve };
      this.#nextTurn();
    });
  }

  get #hasWork(): boolean {
    const { excess, keptByLeases, missing } = this.#slabs;
    return excess > keptByLeases || (this.#touches && missing > 0);
  }

  #nextTurn(): void {
    this.#turn ??= this.#clock.after(0, () => {
      this.#turn = null;
      this.#work();
    });
  }

  /** One slice; then the loop has its turn. */
  #work(): void {
    if (this.#slabs.excess > 0) this.#slabs.releaseSlice();
    else if (this.#touches) this.#touchSlice();
    if (this.#hasWork) this.#nextTurn();
    else if (this.#slabs.excess === 0) this.#endMove();
    else if (this.#move !== null) this.#askHolders(this.#move);
  }

  /** Where the system has no memory to give, it is a lease that will say so. */
  #touchSlice(): void {
    try {
      this.#slabs.touchSlice();
    } catch {
      this.#touches = false;
    }
  }

  /** Once in a move; then it waits for them until the deadline. */
  #askHolders(move: Move): void {
    if (move.waiting !== null) return;
    const deadlineMs = Math.max(0, move.untilMs - this.#clock.monotonicMs());
    move.waiting = move.after(deadlineMs, () => this.#endMove());
    if (this.#closed) return;
    const bytes = this.#slabs.excess * this.slabBytes;
    const ask = async () => this.#options.evict?.({ bytes, deadlineMs });
    ask().catch((error: unknown) => {
      if (this.#move === move) this.#evictFailure = messageOf(error);
    });
  }

  #endMove(): void {
    const move = this.#move;
    this.#move = null;
    move?.waiting?.();
    move?.end();
  }

  #setting(): Setting {
    return { name: 'size', value: String(this.#sizeBytes), live: true };
  }

  #closedError(): HotaddError {
    return new HotaddError('HOTADD_CLOSED', 'it has been closed', { place: this.name, mend: 'make another' });
  }
}
