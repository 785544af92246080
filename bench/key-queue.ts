// Keys in the order of their arrival, with the bytes of their values: the list that the policies of
// eviction-policies.ts are made of. It is linked by arrays, so that a bench of many asks stays short.
import { valueBytesOf } from './cache-traces.ts';

export class KeyQueue {
  /** By key; the place after the last key is the head of the ring. */
  readonly #next: Int32Array;
  readonly #before: Int32Array;
  readonly #head: number;
  #bytes = 0;

  /** @param keys all keys are below. */
  constructor(keys: number) {
    this.#head = keys;
    this.#next = new Int32Array(keys + 1).fill(-1);
    this.#before = new Int32Array(keys + 1).fill(keys);
    this.#next[keys] = keys;
  }

  get bytes(): number {
    return this.#bytes;
  }

  get oldest(): number {
    return this.#next[this.#head] ?? this.#head;
  }

  has(key: number): boolean {
    return this.#next[key] !== -1;
  }

  /** The next newer key; `null`: there is none. */
  after(key: number): number | null {
    const next = this.#next[key] ?? this.#head;
    return next === this.#head ? null : next;
  }

  push(key: number): void {
    this.#link(this.#before[this.#head] ?? this.#head, key);
    this.#link(key, this.#head);
    this.#bytes += valueBytesOf(key);
  }

  delete(key: number): void {
    this.#link(this.#before[key] ?? this.#head, this.#next[key] ?? this.#head);
    this.#next[key] = -1;
    this.#bytes -= valueBytesOf(key);
  }

  /** Takes the oldest out. */
  shift(): number {
    const key = this.oldest;
    this.delete(key);
    return key;
  }

  #link(before: number, next: number): void {
    this.#next[before] = next;
    this.#before[next] = before;
  }
}
