// Connections of a pool beyond its max, after a shrink. While there are any, each client that is released is
// ended instead of kept, until as many are gone as have to.
import type { PgPool } from './pg.ts';

/** A client has been used once when it is released; so with this it is always expended. */
const EXPENDED = 0;

export class PgSurplus {
  static readonly #known = new WeakMap<PgPool, PgSurplus>();
  readonly #pool: PgPool;
  /** Ended, and their sockets are not closed yet. */
  readonly #ending = new Set<unknown>();
  #isWatched = false;
  /** The user's own, while it is replaced. */
  #maxUses: { readonly own: number | undefined } | null = null;

  /** One for a pool, whoever asks. */
  static of(pool: PgPool): PgSurplus {
    const surplus = PgSurplus.#known.get(pool) ?? new PgSurplus(pool);
    PgSurplus.#known.set(pool, surplus);
    return surplus;
  }

  private constructor(pool: PgPool) {
    this.#pool = pool;
  }

  get ending(): number {
    return this.#ending.size;
  }

  /** Resolves when the idle ones are given up; those in use follow when they are released. */
  async setMax(max: number, signal: AbortSignal): Promise<void> {
    const before = Number(this.#pool.options.max);
    this.#pool.options.max = max;
    if (max > before) return this.#serveWaiting();
    if (this.#count <= 0) return;
    this.#watch();
    const idle = Math.min(this.#count, this.#pool.idleCount);
    await orAborted(Promise.all(Array.from({ length: idle }, () => this.#pass())), signal);
  }

  get #count(): number {
    return this.#pool.totalCount - Number(this.#pool.options.max);
  }

  /** A pool that has grown opens nothing by itself for those who wait: it looks when a client is released. */
  #serveWaiting(): void {
    const more = Math.min(this.#pool.waitingCount, -this.#count);
    for (let count = 0; count < more; count += 1) void this.#pass();
  }

  /** Takes a connection and releases it. One that cannot be had is no concern of a resize. */
  #pass(): Promise<void> {
    return this.#pool.connect().then(
      (client) => client.release(),
      () => undefined,
    );
  }

  #watch(): void {
    if (this.#isWatched) return;
    this.#isWatched = true;
    this.#pool.on('release', this.#onRelease);
    this.#pool.on('remove', this.#onRemove);
  }

  /**
   * The pool tells of a release just before it looks at maxUses, and looks at once. Others may be released
   * before the microtask, and are told of one by one.
   */
  readonly #onRelease = (_error: unknown, client: unknown): void => {
    this.#restore();
    if (this.#count <= 0) return;
    this.#ending.add(client);
    const { options } = this.#pool;
    this.#maxUses = { own: options.maxUses };
    options.maxUses = EXPENDED;
    queueMicrotask(() => this.#restore());
  };

  #restore(): void {
    if (this.#maxUses !== null) this.#pool.options.maxUses = this.#maxUses.own;
    this.#maxUses = null;
  }

  readonly #onRemove = (client: unknown): void => {
    this.#ending.delete(client);
    if (this.#count > 0 || this.#ending.size > 0) return;
    this.#pool.off('release', this.#onRelease);
    this.#pool.off('remove', this.#onRemove);
    this.#isWatched = false;
  };
}

function orAborted(work: Promise<unknown>, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason), { once: true });
    if (signal.aborted) reject(signal.reason);
    work.then(() => resolve(), reject);
  });
}
