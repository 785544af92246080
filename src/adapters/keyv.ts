// A store for keyv whose memory is bounded: keyv's own, a Map, never evicts. Values lie in a ByteCache,
// outside the V8 heap; the ByteCache is the driver that follows memory, so register that one.
import { HotaddError } from '../core/errors.ts';
import { expectMethods } from './options.ts';

/** What is used of a ByteCache. */
export interface KeyvBytes {
  getCopy(key: string): Uint8Array | null;
  set(key: string, value: Uint8Array, options?: { ttlMs?: number }): boolean;
  has(key: string): boolean;
  delete(key: string): boolean;
  clear(): void;
}

/** What keyv 6 asks of a store; `new Keyv({ store })` takes it. */
export interface KeyvStore {
  /**
   * keyv sets it, so each Keyv has a store of its own; many may share one ByteCache.
   * @throws HotaddError HOTADD_BAD_USAGE for another namespace than before.
   */
  namespace?: string | undefined;
  /** keyv's contract for stores that are given the time of expiry, and not a time to live. */
  readonly capabilities: { readonly expires: true };
  get(key: string): Promise<string | undefined>;
  getMany(keys: string[]): Promise<(string | undefined)[]>;
  /** False: there is no room. */
  set(key: string, value: unknown, expires?: number): Promise<boolean>;
  setMany(entries: { key: string; value: unknown; expires?: number }[]): Promise<boolean[]>;
  has(key: string): Promise<boolean>;
  hasMany(keys: string[]): Promise<boolean[]>;
  delete(key: string): Promise<boolean>;
  deleteMany(keys: string[]): Promise<boolean[]>;
  /** With a namespace: its keys alone. Their memory is free for others at once, and evicted when needed. */
  clear(): Promise<void>;
}

/** @throws HotaddError HOTADD_BAD_USAGE */
export function keyvStore(cache: KeyvBytes): KeyvStore {
  expectMethods('keyvStore', 'a ByteCache', cache, ['getCopy', 'set', 'has', 'delete', 'clear']);
  return new Store(cache);
}

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** Cleared so many times, by namespace: a ByteCache has no list of its keys to clear some of them by. */
const clearings = new WeakMap<KeyvBytes, Map<string, number>>();

class Store implements KeyvStore {
  readonly capabilities = { expires: true } as const;
  readonly #cache: KeyvBytes;
  readonly #clearings: Map<string, number>;
  /** `null`: no Keyv has it yet. */
  #owner: { readonly namespace: string | undefined } | null = null;

  constructor(cache: KeyvBytes) {
    this.#cache = cache;
    this.#clearings = clearings.get(cache) ?? new Map();
    clearings.set(cache, this.#clearings);
  }

  get namespace(): string | undefined {
    return this.#owner?.namespace;
  }

  set namespace(namespace: string | undefined) {
    if (this.#owner !== null && this.#owner.namespace !== namespace) throw taken(this.#owner, namespace);
    this.#owner = { namespace };
  }

  async get(key: string): Promise<string | undefined> {
    const value = this.#cache.getCopy(this.#inside(key));
    return value === null ? undefined : decoder.decode(value);
  }

  getMany(keys: string[]): Promise<(string | undefined)[]> {
    return Promise.all(keys.map((key) => this.get(key)));
  }

  async set(key: string, value: unknown, expires?: number): Promise<boolean> {
    if (typeof value !== 'string') throw notText(key, value);
    if (expires === undefined) return this.#cache.set(this.#inside(key), encoder.encode(value));
    const ttlMs = expires - Date.now();
    if (ttlMs > 0) return this.#cache.set(this.#inside(key), encoder.encode(value), { ttlMs });
    this.#cache.delete(this.#inside(key));
    return true;
  }

  setMany(entries: { key: string; value: unknown; expires?: number }[]): Promise<boolean[]> {
    return Promise.all(entries.map(({ key, value, expires }) => this.set(key, value, expires)));
  }

  async has(key: string): Promise<boolean> {
    return this.#cache.has(this.#inside(key));
  }

  hasMany(keys: string[]): Promise<boolean[]> {
    return Promise.all(keys.map((key) => this.has(key)));
  }

  async delete(key: string): Promise<boolean> {
    return this.#cache.delete(this.#inside(key));
  }

  deleteMany(keys: string[]): Promise<boolean[]> {
    return Promise.all(keys.map((key) => this.delete(key)));
  }

  async clear(): Promise<void> {
    if (this.namespace === undefined) return this.#cache.clear();
    this.#clearings.set(this.namespace, this.#cleared + 1);
  }

  get #cleared(): number {
    return this.#clearings.get(this.namespace ?? '') ?? 0;
  }

  #inside(key: string): string {
    return this.namespace === undefined ? key : `${this.namespace}:${this.#cleared}:${key}`;
  }
}

/** What two Keyvs write through one store would be found by both. */
function taken({ namespace: before }: { namespace: string | undefined }, now: string | undefined) {
  const problem = `the store has ${nameOf(before)}, and cannot have ${nameOf(now)} too`;
  const mend = 'give each Keyv a keyvStore(cache) of its own: they may share the cache';
  return new HotaddError('HOTADD_BAD_USAGE', problem, { place: 'keyvStore', mend });
}

function nameOf(namespace: string | undefined): string {
  return namespace === undefined ? 'no namespace' : `the namespace "${namespace}"`;
}

function notText(key: string, value: unknown): HotaddError {
  const problem = `the value of "${key}" is a ${typeof value}, and no text`;
  const mend = 'leave keyv its serialization: what lies outside the heap is bytes';
  return new HotaddError('HOTADD_BAD_USAGE', problem, { place: 'keyvStore', mend });
}
