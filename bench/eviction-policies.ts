// Eviction policies in their plainest form, one key one place, to compare with: LRU, SIEVE (Zhang et al.,
// NSDI 2024), S3-FIFO (Yang et al., SOSP 2023) and ARC (Megiddo and Modha, FAST 2003). Each is bounded in
// bytes.
import { valueBytesOf } from './cache-traces.ts';
import { KeyQueue } from './key-queue.ts';

export interface EvictionPolicy {
  /** Asks for a key, and keeps it if it is not there. True: it was there. */
  ask(key: number): boolean;
}

export class Lru implements EvictionPolicy {
  #most: number;
  readonly #queue: KeyQueue;

  /** @param keys all keys are below. */
  constructor(bytes: number, keys: number) {
    this.#most = bytes;
    this.#queue = new KeyQueue(keys);
  }

  /** Holds no more than so many bytes from the next ask on. */
  shrinkTo(bytes: number): void {
    this.#most = bytes;
  }

  ask(key: number): boolean {
    const hit = this.#queue.has(key);
    if (hit) this.#queue.delete(key);
    while (this.#queue.bytes + valueBytesOf(key) > this.#most) this.#queue.shift();
    this.#queue.push(key);
    return hit;
  }
}

/** A queue in the order of arrival; a hand goes from the oldest to the newest and round again. */
export class Sieve implements EvictionPolicy {
  readonly #most: number;
  readonly #queue: KeyQueue;
  /** 1: asked for since the hand passed. */
  readonly #visited: Uint8Array;
  #hand: number | null = null;

  constructor(bytes: number, keys: number) {
    this.#most = bytes;
    this.#queue = new KeyQueue(keys);
    this.#visited = new Uint8Array(keys);
  }

  ask(key: number): boolean {
    const hit = this.#queue.has(key);
    if (!hit) {
      while (this.#queue.bytes + valueBytesOf(key) > this.#most) this.#evict();
      this.#queue.push(key);
    }
    this.#visited[key] = hit ? 1 : 0;
    return hit;
  }

  #evict(): void {
    let key = this.#hand ?? this.#queue.oldest;
    while (this.#visited[key] === 1) {
      this.#visited[key] = 0;
      key = this.#queue.after(key) ?? this.#queue.oldest;
    }
    this.#hand = this.#queue.after(key);
    this.#queue.delete(key);
  }
}

export class S3Fifo implements EvictionPolicy {
  readonly #most: number;
  readonly #small: KeyQueue;
  readonly #main: KeyQueue;
  readonly #ghosts: KeyQueue;
  readonly #uses: Uint8Array;

  constructor(bytes: number, keys: number) {
    this.#most = bytes;
    this.#small = new KeyQueue(keys);
    this.#main = new KeyQueue(keys);
    this.#ghosts = new KeyQueue(keys);
    this.#uses = new Uint8Array(keys);
  }

  ask(key: number): boolean {
    const uses = this.#uses[key] ?? 0;
    if (this.#small.has(key) || this.#main.has(key)) {
      this.#uses[key] = Math.min(3, uses + 1);
      return true;
    }
    while (this.#small.bytes + this.#main.bytes + valueBytesOf(key) > this.#most) this.#evict();
    this.#uses[key] = 0;
    const isGhost = this.#ghosts.has(key);
    if (isGhost) this.#ghosts.delete(key);
    (isGhost ? this.#main : this.#small).push(key);
    return false;
  }

  #evict(): void {
    const fromSmall = this.#small.bytes > this.#most / 10 || this.#main.bytes === 0;
    const key = (fromSmall ? this.#small : this.#main).shift();
    const uses = this.#uses[key] ?? 0;
    if (uses > 0) {
      this.#uses[key] = fromSmall ? 0 : uses - 1;
      this.#main.push(key);
    } else if (fromSmall) {
      this.#ghosts.push(key);
      while (this.#ghosts.bytes > this.#most * 0.9) this.#ghosts.shift();
    }
  }
}

/** Asked for once, asked for more than once, and the ghosts of both, which move the share of the two. */
export class Arc implements EvictionPolicy {
  readonly #most: number;
  readonly #once: KeyQueue;
  readonly #more: KeyQueue;
  readonly #onceGhosts: KeyQueue;
  readonly #moreGhosts: KeyQueue;
  #onceBytes = 0;

  constructor(bytes: number, keys: number) {
    this.#most = bytes;
    this.#once = new KeyQueue(keys);
    this.#more = new KeyQueue(keys);
    this.#onceGhosts = new KeyQueue(keys);
    this.#moreGhosts = new KeyQueue(keys);
  }

  ask(key: number): boolean {
    const queue = [this.#once, this.#more].find((one) => one.has(key));
    if (queue === undefined) return this.#miss(key);
    queue.delete(key);
    this.#more.push(key);
    return true;
  }

  #miss(key: number): false {
    const length = valueBytesOf(key);
    const ratio = this.#moreGhosts.bytes / this.#onceGhosts.bytes;
    const isOnceGhost = this.#onceGhosts.has(key);
    const isMoreGhost = this.#moreGhosts.has(key);
    if (isOnceGhost) {
      this.#onceBytes = Math.min(this.#most, this.#onceBytes + length * Math.max(1, ratio));
      this.#onceGhosts.delete(key);
    } else if (isMoreGhost) {
      this.#onceBytes = Math.max(0, this.#onceBytes - length * Math.max(1, 1 / ratio));
      this.#moreGhosts.delete(key);
    }
    while (this.#once.bytes + this.#more.bytes + length > this.#most) this.#evict(isMoreGhost);
    (isOnceGhost || isMoreGhost ? this.#more : this.#once).push(key);
    this.#trimGhosts();
    return false;
  }

  #evict(forMoreGhost: boolean): void {
    const over = this.#once.bytes - this.#onceBytes;
    const fromOnce = this.#once.bytes > 0 && (over > 0 || (forMoreGhost && over === 0));
    if (fromOnce || this.#more.bytes === 0) this.#onceGhosts.push(this.#once.shift());
    else this.#moreGhosts.push(this.#more.shift());
  }

  #trimGhosts(): void {
    const [once, more, onceGhosts, moreGhosts] = [this.#once, this.#more, this.#onceGhosts, this.#moreGhosts];
    while (onceGhosts.bytes > 0 && once.bytes + onceGhosts.bytes > this.#most) onceGhosts.shift();
    const held = once.bytes + more.bytes;
    while (moreGhosts.bytes > 0 && held + onceGhosts.bytes + moreGhosts.bytes > 2 * this.#most) {
      moreGhosts.shift();
    }
  }
}
