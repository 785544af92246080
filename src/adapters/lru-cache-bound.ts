// Holds a cache of lru-cache below the size it was made with. It evicts with pop(), which calls dispose with
// the reason `evict` as lru-cache itself does, and looks after each call that can add an entry. The cache is
// left as it is until the first shrink.
//
//   set, fetch, memo, load ----> the cache's own ----> above the bound? pop() until it is not
//   a refresh in the background --> sizeCalculation --> the same, right after it

/** What is used of a cache. */
export interface Kept {
  readonly max: number;
  readonly maxSize: number;
  readonly maxEntrySize: number;
  readonly size: number;
  readonly calculatedSize: number;
  readonly sizeCalculation?: ((...args: never[]) => number) | undefined;
  pop(): unknown;
  set(...args: never[]): unknown;
}

/** How long evictions may keep the loop in one go. */
const SLICE_MS = 5;
/** The methods that add entries. Inside of lru-cache they do not call each other, so each is followed. */
const ADDING = ['set', 'fetch', 'forceFetch', 'memo', 'load'];

export class LruBound {
  static readonly #known = new WeakMap<Kept, LruBound>();
  /** The size of its making, in its own units: sizes, or entries where it counts no sizes. */
  readonly made: number;
  /** In force now. */
  units: number;
  readonly #cache: Kept;
  readonly #madeEntrySize: number;
  #isHeld = false;
  #isEvicting = false;
  /** Calls of the cache's methods that are looked after when they return. */
  #depth = 0;

  /** One for a cache, whoever asks: two drivers over one cache hold it to one size. */
  static of(cache: Kept): LruBound {
    const bound = LruBound.#known.get(cache) ?? new LruBound(cache);
    LruBound.#known.set(cache, bound);
    return bound;
  }

  private constructor(cache: Kept) {
    this.#cache = cache;
    this.made = cache.maxSize > 0 ? cache.maxSize : cache.max;
    this.units = this.made;
    this.#madeEntrySize = cache.maxEntrySize;
  }

  get used(): number {
    return this.#cache.maxSize > 0 ? this.#cache.calculatedSize : this.#cache.size;
  }

  /**
   * Evicts down to so many units, in slices of the loop, and holds the cache there. On its way the bound is
   * what is in the cache, so a call that is aborted leaves nothing half done.
   */
  async setUnits(units: number, signal: AbortSignal): Promise<void> {
    if (units < this.units) this.#hold();
    while (this.used > units) {
      const untilMs = performance.now() + SLICE_MS;
      this.#evict(() => this.used > units && performance.now() < untilMs);
      this.#bindTo(Math.max(units, this.used));
      if (this.used <= units) break;
      await new Promise((resolve) => setImmediate(resolve));
      signal.throwIfAborted();
    }
    this.#bindTo(units);
  }

  #bindTo(units: number): void {
    this.units = units;
    if (this.#cache.maxSize === 0) return;
    // An entry above maxEntrySize is not kept and evicts nobody, as with maxSize itself.
    Object.assign(this.#cache, { maxEntrySize: Math.min(this.#madeEntrySize, units) });
  }

  #evict(goesOn: () => boolean): void {
    // A dispose function that adds an entry comes back here: the loop it was called from sees to it.
    if (this.#isEvicting) return;
    this.#isEvicting = true;
    try {
      while (this.#cache.size > 0 && goesOn()) this.#cache.pop();
    } finally {
      this.#isEvicting = false;
    }
  }

  #trim(): void {
    if (this.used > this.units) this.#evict(() => this.used > this.units);
  }

  #hold(): void {
    if (this.#isHeld) return;
    this.#isHeld = true;
    for (const name of ADDING) this.#follow(name);
    if (this.#cache.maxSize > 0) this.#followSizes();
  }

  #follow(name: string): void {
    const own: unknown = Reflect.get(this.#cache, name);
    if (typeof own !== 'function') return;
    const followed = (...args: unknown[]): unknown => {
      this.#depth += 1;
      try {
        return Reflect.apply(own, this.#cache, args);
      } finally {
        this.#depth -= 1;
        this.#trim();
      }
    };
    Object.defineProperty(this.#cache, name, { value: followed, writable: true, configurable: true });
  }

  /** What a fetch brings later is kept without a call of these methods; its size is asked for just before. */
  #followSizes(): void {
    const own = this.#cache.sizeCalculation;
    if (own === undefined) return;
    const sizeCalculation = (...args: never[]): number => {
      if (this.#depth === 0) queueMicrotask(() => this.#trim());
      return own(...args);
    };
    Object.assign(this.#cache, { sizeCalculation });
  }
}
